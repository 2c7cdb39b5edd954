using System.Diagnostics;

namespace DistFS.Cli.Local;

/// <summary>
/// The processes of a local cluster share one machine. A thread of the pool that has nothing to do looks for work for a
/// while before it sleeps: on a machine of its own that is quicker than being woken, here it takes the processor from
/// the process that has the work. Eight processes on two cores copied a tree 1.5 times as fast without it, with 0.6 of
/// the processor time (docs/design/mount.md).
/// </summary>
internal static class SharedMachine
{
    // Of the runtime: PortableThreadPool.WorkerThread, "System.Threading.ThreadPool.UnfairSemaphoreSpinLimit".
    private const string SpinLimit = "DOTNET_ThreadPool_UnfairSemaphoreSpinLimit";

    /// <summary>For a process that is one of several here; what somebody has set stays.</summary>
    public static void Configure(ProcessStartInfo start)
    {
        if (!start.Environment.ContainsKey(SpinLimit))
        {
            start.Environment[SpinLimit] = "0";
        }
    }
}
