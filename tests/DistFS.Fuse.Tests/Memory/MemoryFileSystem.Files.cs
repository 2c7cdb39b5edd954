namespace DistFS.Fuse.Tests.Memory;

/// <content>Content and names of directories.</content>
internal sealed partial class MemoryFileSystem
{
    private const string BlockedName = "blocked";

    public void Open(ulong node, in FuseOpenIn arguments, OpenReply reply)
    {
        const uint Truncate = 0x200;
        lock (_gate)
        {
            var file = _nodes[node];
            if ((arguments.Flags & Truncate) != 0)
            {
                file.Resize(0);
            }

            Opened(file, reply.Ok);
        }
    }

    public void Create(ulong parent, in FuseCreateIn arguments, ReadOnlyMemory<byte> name, CreateReply reply)
    {
        lock (_gate)
        {
            var file = New(parent, name, arguments.Mode, reply.Request.Caller);
            if (file == null)
            {
                reply.Fail(Errno.EEXIST);
                return;
            }

            var entry = Entry(file);
            file.Lookups++;
            if (!Opened(file, (in FuseOpenOut opened) => reply.Ok(in entry, in opened)))
            {
                file.Lookups--;
            }
        }
    }

    public void Read(ulong node, in FuseReadIn arguments, DataReply reply)
    {
        lock (_gate)
        {
            if (_nodes[Root].Names!.TryGetValue(BlockedName, out var blocked) && blocked.Node == node)
            {
                // Like a read of something that is far away: until whoever reads is interrupted.
                Blocked++;
                reply.Request.Defer();
                reply.Request.Interrupted.UnsafeRegister(
                    _ =>
                    {
                        InterruptedReads++;
                        reply.Fail(Errno.EINTR);
                    },
                    null);
                return;
            }

            reply.Ok(_nodes[node].Read(arguments.Offset, arguments.Size).Span);
        }
    }

    public void Write(ulong node, in FuseWriteIn arguments, ReadOnlyMemory<byte> data, WriteReply reply)
    {
        lock (_gate)
        {
            if (arguments.Offset > (int.MaxValue / 2) - (2 << 20))
            {
                reply.Fail(Errno.EFBIG);
                return;
            }

            _nodes[node].Write(arguments.Offset, data.Span);
        }

        reply.Ok((uint)data.Length);
    }

    public void Fsync(ulong node, in FuseFsyncIn arguments, EmptyReply reply) => reply.Ok();

    public void Release(ulong node, in FuseReleaseIn arguments, EmptyReply reply)
    {
        lock (_gate)
        {
            var file = _nodes[node];
            file.Opens--;
            if (arguments.ReleaseFlags.HasFlag(ReleaseFlags.FlockUnlock))
            {
                Unlock(node, arguments.LockOwner);
            }

            DropIfUnused(file);
        }

        reply.Ok();
    }

    public void OpenDir(ulong node, in FuseOpenIn arguments, OpenReply reply)
    {
        lock (_gate)
        {
            Opened(_nodes[node], reply.Ok);
        }
    }

    public void ReadDir(ulong node, in FuseReadIn arguments, DirectoryReply reply) =>
        List(node, arguments.Offset, reply);

    public void ReadDirPlus(ulong node, in FuseReadIn arguments, DirectoryReply reply) =>
        List(node, arguments.Offset, reply);

    public void FsyncDir(ulong node, in FuseFsyncIn arguments, EmptyReply reply) => reply.Ok();

    public void ReleaseDir(ulong node, in FuseReleaseIn arguments, EmptyReply reply) =>
        Release(node, in arguments, reply);

    private delegate bool Send(in FuseOpenOut opened);

    private bool Opened(MemoryNode node, Send send)
    {
        var opened = new FuseOpenOut { Handle = node.Id };
        node.Opens++;
        if (send(in opened))
        {
            return true;
        }

        node.Opens--;
        DropIfUnused(node);
        return false;
    }

    private void List(ulong node, ulong offset, DirectoryReply reply)
    {
        lock (_gate)
        {
            var folder = _nodes[node];
            var counted = new List<MemoryNode>();
            var fits = (offset >= 1 || AddDot(reply, folder, 1, "."u8))
                && (offset >= 2 || AddDot(reply, folder.Parent ?? folder, 2, ".."u8));
            foreach (var (at, name) in fits ? folder.ByOffset!.Where(n => n.Key > offset) : [])
            {
                var child = _nodes[folder.Names![name].Node];
                var bytes = System.Text.Encoding.Latin1.GetBytes(name);
                fits = reply.IsPlus
                    ? reply.TryAdd(Entry(child), at, bytes)
                    : reply.TryAdd(child.Id, at, child.Mode, bytes);
                if (!fits)
                {
                    break;
                }

                if (reply.IsPlus)
                {
                    child.Lookups++;
                    counted.Add(child);
                }
            }

            if (!reply.Ok())
            {
                counted.ForEach(c => c.Lookups--);
            }
        }
    }

    private static bool AddDot(DirectoryReply reply, MemoryNode node, ulong offset, ReadOnlySpan<byte> name) =>
        reply.IsPlus
            ? reply.TryAdd(new FuseEntryOut { Attr = node.Attributes() }, offset, name)
            : reply.TryAdd(node.Id, offset, node.Mode, name);
}
