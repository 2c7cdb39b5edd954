namespace DistFS.Fuse.Tests.Memory;

/// <content>Changes of names.</content>
internal sealed partial class MemoryFileSystem
{
    public void ReadLink(ulong node, DataReply reply)
    {
        lock (_gate)
        {
            reply.Ok(_nodes[node].Target);
        }
    }

    public void SymLink(ulong parent, ReadOnlyMemory<byte> name, ReadOnlyMemory<byte> target, EntryReply reply) =>
        Make(parent, name, MemoryNode.LinkType | 0x1FF, reply, node => node.Target = target.ToArray());

    public void MkNod(ulong parent, in FuseMkNodIn arguments, ReadOnlyMemory<byte> name, EntryReply reply)
    {
        var device = arguments.Device;
        Make(parent, name, arguments.Mode, reply, node => node.Device = device);
    }

    public void MkDir(ulong parent, in FuseMkDirIn arguments, ReadOnlyMemory<byte> name, EntryReply reply) =>
        Make(parent, name, MemoryNode.DirectoryType | (arguments.Mode & 0xFFF), reply, _ => { });

    public void Unlink(ulong parent, ReadOnlyMemory<byte> name, EmptyReply reply)
    {
        lock (_gate)
        {
            Remove(_nodes[parent], Text(name));
        }

        reply.Ok();
    }

    public void RmDir(ulong parent, ReadOnlyMemory<byte> name, EmptyReply reply)
    {
        lock (_gate)
        {
            var folder = _nodes[parent];
            if (_nodes[folder.Names![Text(name)].Node].Names!.Count > 0)
            {
                reply.Fail(Errno.ENOTEMPTY);
                return;
            }

            Remove(folder, Text(name));
        }

        reply.Ok();
    }

    public void Rename(
        ulong parent,
        in FuseRename2In arguments,
        ReadOnlyMemory<byte> name,
        ReadOnlyMemory<byte> newName,
        EmptyReply reply)
    {
        lock (_gate)
        {
            var (from, to) = (_nodes[parent], _nodes[arguments.NewParent]);
            var (source, target) = (Text(name), Text(newName));
            var exists = to.Names!.TryGetValue(target, out var there);
            var isThere = from.Names!.TryGetValue(source, out var entry);
            if (arguments.Flags is not (RenameFlags.None or RenameFlags.NoReplace) || !isThere)
            {
                reply.Fail(arguments.Flags > RenameFlags.NoReplace ? Errno.EINVAL : Errno.ENOENT);
                return;
            }

            if (exists && (arguments.Flags == RenameFlags.NoReplace || _nodes[there.Node].Names?.Count > 0))
            {
                reply.Fail(arguments.Flags == RenameFlags.NoReplace ? Errno.EEXIST : Errno.ENOTEMPTY);
                return;
            }

            var moved = _nodes[entry.Node];
            if (exists)
            {
                Remove(to, target);
            }

            moved.Links++;
            Remove(from, source, keepTree: true);
            Attach(to, target, moved);
            moved.Links--;
        }

        reply.Ok();
    }

    public void Link(ulong parent, in FuseLinkIn arguments, ReadOnlyMemory<byte> name, EntryReply reply)
    {
        lock (_gate)
        {
            var node = _nodes[arguments.OldNodeId];
            Attach(_nodes[parent], Text(name), node);
            Answer(node, reply);
        }
    }

    private void Make(
        ulong parent, ReadOnlyMemory<byte> name, uint mode, EntryReply reply, Action<MemoryNode> fill)
    {
        lock (_gate)
        {
            if (New(parent, name, mode, reply.Request.Caller) is not { } node)
            {
                reply.Fail(Errno.EEXIST);
                return;
            }

            fill(node);
            Answer(node, reply);
        }
    }

    private MemoryNode? New(ulong parent, ReadOnlyMemory<byte> name, uint mode, FuseCaller caller)
    {
        var folder = _nodes[parent];
        if (folder.Names!.ContainsKey(Text(name)))
        {
            return null;
        }

        var node = new MemoryNode(_nextNode++, mode, caller.Uid, caller.Gid);
        _nodes.Add(node.Id, node);
        Attach(folder, Text(name), node);
        return node;
    }

    private static void Attach(MemoryNode folder, string name, MemoryNode node)
    {
        folder.Names!.Add(name, (node.Id, folder.NextOffset));
        folder.ByOffset!.Add(folder.NextOffset++, name);
        node.Links += node.IsDirectory ? 2u : 1u;
        if (node.IsDirectory)
        {
            node.Parent = folder;
            folder.Links++;
        }

        folder.Modified = folder.Changed = node.Changed = MemoryNode.Now();
    }

    private void Remove(MemoryNode folder, string name, bool keepTree = false)
    {
        folder.Names!.Remove(name, out var found);
        folder.ByOffset!.Remove(found.Offset);
        var node = _nodes[found.Node];
        node.Links -= node.IsDirectory ? 2u : 1u;
        folder.Links -= node.IsDirectory ? 1u : 0;
        folder.Modified = folder.Changed = node.Changed = MemoryNode.Now();
        if (!keepTree)
        {
            DropIfUnused(node);
        }
    }
}
