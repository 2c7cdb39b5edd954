global using Xunit;

// Tests count mounts, descriptors and allocations of the whole process: one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
