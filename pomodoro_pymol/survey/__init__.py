"""A whole data set: a row of numbers for each structure or crop, the file of the rows, and what they say together."""
