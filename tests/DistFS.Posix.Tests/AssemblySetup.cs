// The planted deviations and the mask of permissions belong to the process: one test at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
