namespace DistFS.Vfs;

/// <summary>
/// What is kept of short files (<see cref="VfsNode.Content"/>): up to so many bytes, those that were read lately. The
/// clock of Corbato (1968): a hand goes over them in the order in which they came, and passes who was used once.
/// </summary>
/// <remarks>Content that a node has dropped by itself is counted until the hand comes to it.</remarks>
internal sealed class ContentCache(long bytesMax)
{
    /// <summary>An entry takes so much besides its bytes, about.</summary>
    private const int EntryBytes = 512;

    private readonly Lock _gate = new();
    private readonly Queue<(VfsNode Node, byte[] Content)> _entries = [];
    private long _bytes;

    /// <summary>What is kept, in bytes.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
            {
                return _bytes;
            }
        }
    }

    /// <summary>Content that a node has now. Not under the gate of a node.</summary>
    public void Add(VfsNode node, byte[] content)
    {
        lock (_gate)
        {
            _entries.Enqueue((node, content));
            for (_bytes += content.Length + EntryBytes; _bytes > bytesMax;)
            {
                var oldest = _entries.Dequeue();
                if (!MayStay(oldest.Node, oldest.Content))
                {
                    _bytes -= oldest.Content.Length + EntryBytes;
                }
                else
                {
                    _entries.Enqueue(oldest);
                }
            }
        }
    }

    private static bool MayStay(VfsNode node, byte[] content)
    {
        lock (node.Gate)
        {
            var isUsed = node.Content == content && node.IsContentUsed;
            node.IsContentUsed = false;
            node.Content = node.Content == content && !isUsed ? null : node.Content;
            return isUsed;
        }
    }
}
