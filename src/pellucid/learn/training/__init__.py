"""Training: the loop and its whole state, checkpoints, validation, logs.

loop          train(): one run from a recipe to its end, or on from where it was stopped
job           what is asked of it, what decides its weights, where it begins
processes     several processes that share each batch and keep their weights in step
run_folder    what a run's folder holds; who may go on in it
state         everything a run's future depends on, as one dictionary; the hash of the weights
checkpoints   states as files that are whole or not there; snapshots
mean          the mean of several runs' weights
average       the moving average of the weights
schedule      the learning rate as a function of the step
subject       what a run learns from and is measured by
validation    PSNR on pictures that are not learned from
naming        labelled pictures: their batches, accuracy held out and on the test files
figures       what a validation measured, in words
not_finite    which layer made the first NaN
dead_units    how many hidden units never fire
sums          multiply-adds of a network, peaks of a machine
callbacks     who watches a run: logs, curves, strips of pictures
interval      what happened since the last report
progress      the bar and the table of parameters
drawn         pictures to learn from where there are none
load          load_run(): a run's network, for export and evaluation
"""
