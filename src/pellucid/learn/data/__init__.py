"""What a network learns from: the crop database, degradations, and batches as functions of (seed, step).

`create_database` makes a database from photographs and needs no torch; `open_database` opens it for training;
`Batches` turns it into pairs of input and target.
"""
