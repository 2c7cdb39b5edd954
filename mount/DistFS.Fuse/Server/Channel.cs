namespace DistFS.Fuse;

/// <summary>
/// A device with its users: its reader, and each deferred request that came from it, since the answer goes there. The
/// last one closes it, so that no answer ever goes to a descriptor that became something else.
/// </summary>
internal sealed class Channel(IFuseDevice device)
{
    private int _references = 1;

    public IFuseDevice Device => device;

    /// <summary>Its reader's thread has ended.</summary>
    public bool HasEnded { get; set; }

    public void AddReference() => Interlocked.Increment(ref _references);

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            device.Dispose();
        }
    }
}
