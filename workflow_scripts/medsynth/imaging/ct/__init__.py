"""CT: series and volumes in Hounsfield units, their geometry, bodies and registration."""
