"""A withdrawal carried out: what holds a person is found, destroyed and proven gone."""
