using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

// Tests count buffers, connections and allocations of the whole process: one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace DistFS.Rpc.Tests;

/// <summary>What holds for the whole process of the tests.</summary>
internal static class AssemblySetup
{
    private static readonly ConcurrentQueue<Exception> UnobservedErrors = new();

    [ModuleInitializer]
    public static void Initialise()
    {
        Check.ThrowInsteadOfFailFast();
        TaskScheduler.UnobservedTaskException += (_, e) => UnobservedErrors.Enqueue(e.Exception);

        // Tests start threads that block; the pool must not need half a second for each.
        ThreadPool.SetMinThreads(16, 16);
    }

    /// <summary>Fails if a task failed and nobody looked.</summary>
    public static void AssertNothingUnobserved()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Empty(UnobservedErrors);
    }
}
