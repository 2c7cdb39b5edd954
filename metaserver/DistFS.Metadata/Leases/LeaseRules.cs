using DistFS.Metadata.Store;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Metadata.Leases;

/// <summary>
/// What operations and reads need of the inodes and names that they touch: a line for each operation. Made for the
/// operations of one request, in order.
/// </summary>
/// <remarks>
/// What an operation changes, or tells the attributes of, is here, and what others may have in their caches of it. An
/// inode behind a name is found by <see cref="Resolve"/>. One that an earlier operation of the request made is nobody
/// else's yet.
/// </remarks>
public sealed class LeaseRules(LeaseTicket ticket)
{
    /// <summary>Of each operation so far, the inode that it tells; 0: it is new, or behind a name.</summary>
    private readonly List<ulong> _told = [];

    private readonly List<(ulong Directory, ReadOnlyMemory<byte> Name, LeaseNeedKind Kind)> _names = [];

    /// <summary>What comes out of the trash, and where to: what is not said stands in the trash.</summary>
    private readonly List<(ulong Inode, ulong Directory, ReadOnlyMemory<byte> Name)> _restores = [];

    /// <summary>Whether there are needs that only the state knows: <see cref="Resolve"/>.</summary>
    public bool HasNames => _names.Count + _restores.Count > 0;

    /// <summary>Adds the operations of a request to what the ticket needs.</summary>
    public void Add(MutateRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        foreach (var operation in request.Operations)
        {
            Add(operation, request.Operations.Count > 1);
        }
    }

    /// <summary>Looks up the names in the tree, and adds what is needed of the inodes behind them.</summary>
    public void Resolve(Tree tree, ICollection<LeaseNeed> needs)
    {
        ArgumentNullException.ThrowIfNull(tree);
        ArgumentNullException.ThrowIfNull(needs);
        foreach (var (directory, name, kind) in _names)
        {
            if (tree.TryFind(new InodeId(directory), name.Span, out var dentry))
            {
                needs.Add(new LeaseNeed(kind, dentry.Inode.Value));
            }
        }

        foreach (var (inode, directory, name) in _restores)
        {
            if (tree.TryGet(new InodeId(inode), out var row)
                && tree.TryGetTrash(row.Parent, new InodeId(inode), out var trash))
            {
                var parent = directory == 0 ? row.Parent.Value : directory;
                needs.Add(new LeaseNeed(LeaseNeedKind.Change, parent));
                needs.Add(new LeaseNeed(
                    LeaseNeedKind.Name, SipHash.Compute(parent, name.IsEmpty ? trash.Name.Span : name.Span)));
            }
        }
    }

    /// <summary>Adds an operation; false: there is no line for it.</summary>
    internal bool Add(Operation operation, bool isOneOfSeveral)
    {
        var told = operation.KindCase switch
        {
            // Of one that exists, the attributes are told; a later operation of the request may change it.
            Operation.KindOneofCase.Make => Name(
                operation.Make.Parent,
                operation.Make.Name.Memory,
                !operation.Make.OrExisting ? null : isOneOfSeveral ? LeaseNeedKind.Change : LeaseNeedKind.Look),
            Operation.KindOneofCase.Link =>
                Name(operation.Link.Parent, operation.Link.Name.Memory, null) + Change(operation.Link.Inode),
            Operation.KindOneofCase.Unlink =>
                Name(operation.Unlink.Parent, operation.Unlink.Name.Memory, LeaseNeedKind.Change),
            Operation.KindOneofCase.RemoveDirectory => Name(
                operation.RemoveDirectory.Parent, operation.RemoveDirectory.Name.Memory, LeaseNeedKind.Change),

            // What is renamed changes too (its change time, '..'), and so does what it takes the place of.
            Operation.KindOneofCase.Rename =>
                Name(operation.Rename.FromParent, operation.Rename.FromName.Memory, LeaseNeedKind.Change)
                + Name(operation.Rename.ToParent, operation.Rename.ToName.Memory, LeaseNeedKind.Change),
            Operation.KindOneofCase.SetAttributes => Change(operation.SetAttributes.Inode),
            Operation.KindOneofCase.SetXattr => Change(operation.SetXattr.Inode),
            Operation.KindOneofCase.RemoveXattr => Change(operation.RemoveXattr.Inode),

            // The right to open is looked for in the attributes, which are told.
            Operation.KindOneofCase.Open => Look(operation.Open.Inode),

            // Opens and locks are in nobody's cache.
            Operation.KindOneofCase.Release => operation.Release.Inode,
            Operation.KindOneofCase.Lock => operation.Lock.Inode,
            Operation.KindOneofCase.WriteInline => Change(operation.WriteInline.Inode),
            Operation.KindOneofCase.SetSize => Change(operation.SetSize.Inode),

            // Who asks for chunks to write to is about to write.
            Operation.KindOneofCase.AllocateChunks => Change(operation.AllocateChunks.Inode),
            Operation.KindOneofCase.InstallChunk => Change(operation.InstallChunk.Inode),
            Operation.KindOneofCase.CommitWrite => Change(operation.CommitWrite.Inode),
            Operation.KindOneofCase.NewVersion => Change(operation.NewVersion.Inode),
            Operation.KindOneofCase.SealChunks => Change(operation.SealChunks.Inode),
            Operation.KindOneofCase.ShareRange =>
                Share(operation.ShareRange.FromInode, operation.ShareRange.ToInode),
            Operation.KindOneofCase.PunchRange => Change(operation.PunchRange.Inode),
            Operation.KindOneofCase.ReserveInodes => 0UL,

            // Who has a directory under a lease to write makes files in it by himself, unless it has a quota.
            Operation.KindOneofCase.SetQuota => Change(operation.SetQuota.Inode),

            // Settings are told with nothing; who changes them changes the inode (its change time).
            Operation.KindOneofCase.SetRetention => Change(operation.SetRetention.Inode),
            Operation.KindOneofCase.SetGoal => Change(operation.SetGoal.Inode),
            Operation.KindOneofCase.Restore =>
                Restore(operation.Restore.Inode, operation.Restore.Parent, operation.Restore.Name.Memory),
            Operation.KindOneofCase.Purge => Change(operation.Purge.Inode),
            _ => ulong.MaxValue,
        };
        _told.Add(told == ulong.MaxValue ? 0 : told);
        return told != ulong.MaxValue;
    }

    /// <summary>A directory changes, and the inode behind a name in it maybe too; tells 0.</summary>
    private ulong Name(ulong directory, ReadOnlyMemory<byte> name, LeaseNeedKind? target)
    {
        directory = Resolved(directory);
        if (directory != 0)
        {
            ticket.Need(LeaseNeedKind.Change, directory);
            ticket.Need(LeaseNeedKind.Name, SipHash.Compute(directory, name.Span));
            if (target is { } kind)
            {
                _names.Add((directory, name, kind));
            }
        }

        return 0;
    }

    private ulong Restore(ulong inode, ulong directory, ReadOnlyMemory<byte> name)
    {
        var told = Change(inode);

        // What is not there yet is not in the trash.
        if (told != 0)
        {
            _restores.Add((told, Resolved(directory), name));
        }

        return told;
    }

    private ulong Change(ulong inode) => Need(LeaseNeedKind.Change, inode);

    private ulong Share(ulong from, ulong to)
    {
        Look(from);
        return Change(to);
    }

    private ulong Look(ulong inode) => Need(LeaseNeedKind.Look, inode);

    private ulong Need(LeaseNeedKind kind, ulong inode)
    {
        inode = Resolved(inode);
        if (inode != 0)
        {
            ticket.Need(kind, inode);
        }

        return inode;
    }

    /// <summary>The inode that an earlier operation tells is what that operation needed, or new: 0.</summary>
    private ulong Resolved(ulong inode)
    {
        var id = new InodeId(inode);
        return id.Partition != InodeId.BackReferences ? inode
            : id.Number < (ulong)_told.Count ? _told[(int)id.Number]
            : 0;
    }
}
