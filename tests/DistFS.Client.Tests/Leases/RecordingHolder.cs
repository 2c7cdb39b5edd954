using System.Collections.Concurrent;
using DistFS.Client.Leases;

namespace DistFS.Client.Tests.Leases;

/// <summary>Caches nothing, and remembers what it was told.</summary>
internal sealed class RecordingHolder : ILeaseHolder
{
    public ConcurrentQueue<string> Told { get; } = [];

    /// <summary>What giving up takes.</summary>
    public Func<InodeId, LeaseMode, Task> OnGiveUp { get; set; } = static (_, _) => Task.CompletedTask;

    public Action OnAllLost { get; set; } = static () => { };

    public Task GiveUpAsync(InodeId inode, LeaseMode keep)
    {
        Told.Enqueue($"give up {inode.Value} to {keep}");
        return OnGiveUp(inode, keep);
    }

    public void Lost(InodeId inode) => Told.Enqueue($"lost {inode.Value}");

    public void AllLost()
    {
        Told.Enqueue("all lost");
        OnAllLost();
    }

    public int Times(string what) => Told.Count(told => told == what);
}
