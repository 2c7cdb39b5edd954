using System.Text;

namespace DistFS.Fuse.Tests.Memory;

/// <summary>
/// A whole file system in memory, on the library as its users use it. Everything is answered inline, except what
/// waits: locks, and reads of a file that is called "blocked". One lock guards all of it, and is never held over an
/// answer that may be refused.
/// </summary>
internal sealed partial class MemoryFileSystem(ulong validSeconds)
    : IFuseFileSystem, IFuseNamespace, IFuseFiles, IFuseDirectories, IFuseXattrs, IFuseLocks
{
    private const ulong Root = 1;
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, MemoryNode> _nodes = new()
    {
        [Root] = new MemoryNode(Root, MemoryNode.DirectoryType | 0x1FF, 0, 0) { Links = 2, Lookups = 1 },
    };

    private ulong _nextNode = Root + 1;
    private int _destroyed;

    public FuseNegotiated? Negotiated { get; private set; }

    public bool IsDestroyed => Volatile.Read(ref _destroyed) == 1;

    public int NodeCount
    {
        get
        {
            lock (_gate)
            {
                return _nodes.Count;
            }
        }
    }

    public int Blocked { get; private set; }

    public int InterruptedReads { get; private set; }

    public static FuseFeatures Features =>
        FuseFeatures.AsyncRead | FuseFeatures.AtomicOpenTruncate | FuseFeatures.ReadDirPlus
        | FuseFeatures.ReadDirPlusAuto | FuseFeatures.ParallelDirectoryOperations | FuseFeatures.CacheSymLinks
        | FuseFeatures.FlockLocks | FuseFeatures.AutoInvalidateData;

    public void Started(FuseNegotiated negotiated) => Negotiated = negotiated;

    /// <summary>What the end waits for.</summary>
    public ManualResetEventSlim MayEnd { get; } = new(true);

    public void Destroyed()
    {
        Assert.True(MayEnd.Wait(Eventually.Limit));
        Assert.Equal(1, Interlocked.Increment(ref _destroyed));
    }

    public void Lookup(ulong parent, ReadOnlyMemory<byte> name, EntryReply reply)
    {
        if (name.Span.SequenceEqual("hang"u8))
        {
            // A handler with a defect: it never answers, and minds no interrupt.
            reply.Request.Defer();
            return;
        }

        lock (_gate)
        {
            if (!_nodes[parent].Names!.TryGetValue(Text(name), out var found))
            {
                reply.Fail(Errno.ENOENT);
                return;
            }

            Answer(_nodes[found.Node], reply);
        }
    }

    public void Forget(ulong node, ulong count)
    {
        lock (_gate)
        {
            var known = _nodes[node];
            Assert.True(known.Lookups >= count, $"node {node}: {count} of {known.Lookups} lookups forgotten");
            known.Lookups -= count;
            DropIfUnused(known);
        }
    }

    public void GetAttr(ulong node, in FuseGetAttrIn arguments, AttrReply reply)
    {
        lock (_gate)
        {
            Answer(_nodes[node], reply);
        }
    }

    public void SetAttr(ulong node, in FuseSetAttrIn arguments, AttrReply reply)
    {
        lock (_gate)
        {
            var target = _nodes[node];
            var valid = arguments.Valid;
            if (valid.HasFlag(SetAttrFields.Size))
            {
                if (arguments.Size > int.MaxValue / 2)
                {
                    reply.Fail(Errno.EFBIG);
                    return;
                }

                target.Resize((long)arguments.Size);
            }

            target.Mode = valid.HasFlag(SetAttrFields.Mode)
                ? (target.Mode & MemoryNode.TypeMask) | (arguments.Mode & 0xFFF)
                : target.Mode;
            target.Uid = valid.HasFlag(SetAttrFields.Uid) ? arguments.Uid : target.Uid;
            target.Gid = valid.HasFlag(SetAttrFields.Gid) ? arguments.Gid : target.Gid;
            if (valid.HasFlag(SetAttrFields.AccessTime))
            {
                target.Accessed = valid.HasFlag(SetAttrFields.AccessTimeNow)
                    ? MemoryNode.Now()
                    : (arguments.AccessTime, arguments.AccessTimeNs);
            }

            if (valid.HasFlag(SetAttrFields.ModifyTime))
            {
                target.Modified = valid.HasFlag(SetAttrFields.ModifyTimeNow)
                    ? MemoryNode.Now()
                    : (arguments.ModifyTime, arguments.ModifyTimeNs);
            }

            target.Changed = MemoryNode.Now();
            Answer(target, reply);
        }
    }

    public void StatFs(ulong node, StatFsReply reply)
    {
        var space = new FuseStatFsOut
        {
            Blocks = 1 << 20,
            BlocksFree = 1 << 19,
            BlocksAvailable = 1 << 19,
            Files = 1 << 20,
            FilesFree = 1 << 19,
            BlockBytes = 4096,
            FragmentBytes = 4096,
            NameBytesMax = 255,
        };
        reply.Ok(in space);
    }

    /// <summary>Changes a file behind the kernel's back.</summary>
    public ulong Grow(string name, long size)
    {
        lock (_gate)
        {
            var node = _nodes[_nodes[Root].Names![name].Node];
            node.Resize(size);
            return node.Id;
        }
    }

    private static string Text(ReadOnlyMemory<byte> name) => Encoding.Latin1.GetString(name.Span);

    private void Answer(MemoryNode node, AttrReply reply)
    {
        var attributes = new FuseAttrOut { ValidSeconds = validSeconds, Attr = node.Attributes() };
        reply.Ok(in attributes);
    }

    private void Answer(MemoryNode node, EntryReply reply)
    {
        var entry = Entry(node);
        node.Lookups++;
        if (!reply.Ok(in entry))
        {
            node.Lookups--;
            DropIfUnused(node);
        }
    }

    private FuseEntryOut Entry(MemoryNode node) => new()
    {
        NodeId = node.Id,
        EntryValidSeconds = validSeconds,
        AttrValidSeconds = validSeconds,
        Attr = node.Attributes(),
    };

    private void DropIfUnused(MemoryNode node)
    {
        if (node.Links == 0 && node.Lookups == 0 && node.Opens == 0)
        {
            _nodes.Remove(node.Id);
        }
    }
}
