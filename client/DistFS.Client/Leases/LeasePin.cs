using DistFS.Primitives;

namespace DistFS.Client.Leases;

/// <summary>
/// A lease to write that was asked for to be used at once: it is not given up before this is disposed of, which comes
/// soon, always, and whatever others do. Any thread.
/// </summary>
public sealed class LeasePin : IDisposable
{
    private readonly LeaseClient? _leases;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal LeasePin(LeaseClient? leases, InodeId inode) => (_leases, Inode) = (leases, inode);

    /// <summary>Of which inode.</summary>
    public InodeId Inode { get; }

    /// <summary>
    /// Under the gate of the leases: it is there. Until then only recalls of what has not come yet wait for this.
    /// </summary>
    internal bool IsGranted { get; set; }

    /// <summary>Ends when the lease was used.</summary>
    internal Task Ended => _ended.Task;

    /// <summary>The lease was used, or will not be.</summary>
    public void Dispose()
    {
        _leases?.Unpin(this);
        _ended.TrySetResult();
    }
}
