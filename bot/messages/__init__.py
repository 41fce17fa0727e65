"""What people read: a function for each sentence, a module for each feature, and one place that puts it into words."""
