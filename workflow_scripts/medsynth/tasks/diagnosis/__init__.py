"""The class or the risk of patients from images and tables, told by a model of other folds."""
