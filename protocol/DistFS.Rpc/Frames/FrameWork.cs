namespace DistFS.Rpc.Frames;

/// <summary>
/// Something that received bytes have made ready to run: a handler, or a caller that goes on. It is its own work item
/// and its own list node, so queueing it allocates nothing.
/// </summary>
internal abstract class FrameWork : IThreadPoolWorkItem
{
    public FrameWork? NextReady { get; set; }

    public abstract void Execute();

    public void Queue() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
}
