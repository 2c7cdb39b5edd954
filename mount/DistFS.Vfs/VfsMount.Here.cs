using DistFS.Client;
using DistFS.Client.Leases;
using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>
/// Names and attributes that are changed here, under leases to write, and are sent later; what cannot be decided here
/// is left to the metaservers.
/// </content>
public sealed partial class VfsMount
{
    /// <summary>A lease to write was refused or given up, so others use it: none is asked for meanwhile.</summary>
    private static readonly TimeSpan HerePause = TimeSpan.FromSeconds(2);

    private const uint SpecialModes = 0b110_000_000_000;
    private const uint SetGroup = 0b010_000_000_000;

    private ChangeJournal _journal = null!;

    internal ChangeJournal Journal => _journal;

    /// <summary>What was changed of it here is at the metaservers: they may be asked for it.</summary>
    internal ValueTask SentAsync(VfsNode node, CancellationToken cancellation) =>
        _journal.IsSent(node.ChangedAt) ? ValueTask.CompletedTask : _journal.SentAsync(node.ChangedAt, cancellation);

    internal FileTime Now() => FileTime.Of(_options.Clock.GetUtcNow());

    /// <summary>
    /// A directory is ready for changes here: there is a lease to write, asked for if nobody seems to use it beside us.
    /// </summary>
    private async ValueTask<bool> IsHereAsync(VfsNode directory, CancellationToken cancellation)
    {
        if (_options.Durability == VfsDurability.Sync)
        {
            return false;
        }

        long stamp;
        lock (directory.Gate)
        {
            if (!directory.IsGivingUp && directory.Known != null && Holds(directory, LeaseMode.Write))
            {
                stamp = -1;
            }
            else if (directory.IsGivingUp || _options.Clock.GetTimestamp() < directory.HereFrom)
            {
                return false;
            }
            else
            {
                stamp = directory.Stamp;
            }
        }

        return (stamp < 0 || await AcquireHereAsync(directory, stamp, cancellation).ConfigureAwait(false))
            && await _journal.PrepareAsync(cancellation).ConfigureAwait(false);
    }

    private async Task<bool> AcquireHereAsync(VfsNode directory, long stamp, CancellationToken cancellation)
    {
        await SentAsync(directory, cancellation).ConfigureAwait(false);
        var lease = (await _cluster
            .AcquireAsync([directory.Inode], LeaseMode.Write, TimeSpan.Zero, cancellation).ConfigureAwait(false))[0];
        Learn(directory, stamp, lease.Attributes);
        lock (directory.Gate)
        {
            if (lease.Mode != LeaseMode.Write)
            {
                directory.HereFrom = After(HerePause);
                return false;
            }

            if (directory.IsComplete || directory.Known is not { IsDirectory: true })
            {
                return directory.Known != null;
            }

            stamp = directory.Stamp;
        }

        // All names, if there are few: then each that is not among them is known not to be there.
        var page = await _cluster
            .ReadDirectoryAsync(FileIdentity.Root, directory.Inode, 0, withStatus: false, cancellation)
            .ConfigureAwait(false);
        lock (directory.Gate)
        {
            if (page.Status == FsStatus.Ok && directory.Stamp == stamp && Holds(directory, LeaseMode.Write))
            {
                LearnPage(directory, page);
                if (page.IsEnd)
                {
                    directory.Complete();
                }
            }

            return directory.Known != null;
        }
    }

    /// <summary>Under the gate of the directory.</summary>
    private static void LearnPage(VfsNode directory, DirectoryPage page)
    {
        foreach (var (_, item) in page.Entries)
        {
            if (item.Name == "..")
            {
                directory.Parent = item.Inode;
            }
            else if (item.Name != ".")
            {
                directory.LearnOnce(item.NameBytes.Span, item.Inode, item.Kind);
            }
        }
    }

    /// <summary>Makes something in a directory; null: that is for the metaservers.</summary>
    private async ValueTask<VfsEntry?> MakeHereAsync(
        FileIdentity caller,
        VfsNode parent,
        ReadOnlyMemory<byte> name,
        NewNode wanted,
        CancellationToken cancellation)
    {
        if (wanted.Kind is FileKind.CharacterDevice or FileKind.BlockDevice
            || !await IsHereAsync(parent, cancellation).ConfigureAwait(false))
        {
            return null;
        }

        // What the request has is the kernel's: it is kept beyond the answer.
        byte[] kept = name.ToArray();
        wanted = wanted with { Target = wanted.Target.ToArray() };
        lock (_journal.Gate)
        {
            lock (parent.Gate)
            {
                if (!MayChange(parent) || !parent.TryFind(kept, out var found)
                    || (found.Value != 0 && wanted.OrExisting)
                    || StatusOf(caller, parent.Known!, wanted) is not { } status)
                {
                    return null;
                }

                if (found.Value != 0)
                {
                    return VfsEntry.Refused(FsStatus.AlreadyExists);
                }

                if (!_journal.TryTakeInode(out var inode))
                {
                    return null;
                }

                status = status with { Inode = inode };
                var made = new VfsNode(inode) { Known = status, Owner = parent, Parent = parent.Inode };
                if (status.IsDirectory)
                {
                    made.Complete();
                }

                made.UsedAt = Interlocked.Increment(ref _uses);
                _nodes[inode] = made;
                parent.Own(made);
                parent.Learn(kept, inode, status.Kind);
                parent.ChangedHere(Touched(parent.Known!, status.IsDirectory ? 1 : 0, status.ChangeTime));
                _journal.Append(
                    NodeChange.Make(caller, parent.Inode, kept, wanted, inode, status.ChangeTime), parent, made);
            }
        }

        // Under the leases that it was made under, if they hold still.
        if (TryLookup(parent, kept, out var entry))
        {
            return entry;
        }

        using var told = await AskAsync(caller, parent, kept, cancellation).ConfigureAwait(false);
        return told with { NameValid = default, AttributesValid = default, Use = default };
    }

    /// <summary>Under the node's gate: what is changed here is seen here first, and nobody changes it there.</summary>
    private bool MayChange(VfsNode node) =>
        node is { Known: not null, Directs: 0, IsRemoved: false } && Holds(node, LeaseMode.Write);

    /// <summary>
    /// As the metaservers would make it (MakeOperation); null: they have to, since it takes what is not known here.
    /// </summary>
    private FileStatus? StatusOf(FileIdentity caller, FileStatus parent, NewNode wanted)
    {
        var inherits = (parent.Mode & SetGroup) != 0;
        if (parent.HasDefaultAcl || parent.HasQuota || parent.Links == 0
            || (inherits && wanted.Kind != FileKind.Directory && (wanted.Mode & SetGroup) != 0))
        {
            return null;
        }

        var now = Now();
        var isDirectory = wanted.Kind == FileKind.Directory;
        return new FileStatus
        {
            Inode = default,
            Kind = wanted.Kind,
            Mode = (wanted.Kind == FileKind.SymbolicLink ? wanted.Mode : wanted.Mode & ~wanted.Umask)
                | (inherits && isDirectory ? SetGroup : 0),
            Uid = caller.Uid,
            Gid = inherits ? parent.Gid : caller.Gid,
            Links = isDirectory ? 2u : 1,
            Size = wanted.Target.Length,
            Allocated = 0,
            AccessTime = now,
            ModifyTime = now,
            ChangeTime = now,
            BirthTime = now,
        };
    }

    private static FileStatus Touched(FileStatus directory, int subdirectories, FileTime now) => directory with
    {
        Links = (uint)(directory.Links + subdirectories),
        ModifyTime = now,
        ChangeTime = now,
    };

    /// <summary>Sets attributes that are no length; null: that is for the metaservers.</summary>
    private async ValueTask<VfsEntry?> SetHereAsync(
        FileIdentity caller, VfsNode node, AttributeChange change, CancellationToken cancellation)
    {
        lock (node.Gate)
        {
            if (!MayChange(node) || _options.Durability == VfsDurability.Sync
                || !MayHere(caller, node.Known!, change))
            {
                return null;
            }
        }

        if (!await _journal.PrepareAsync(cancellation).ConfigureAwait(false))
        {
            return null;
        }

        VfsFile? file;
        lock (node.Gate)
        {
            file = node.File;
        }

        var now = Now();
        if ((change.ModifyTime ?? (change.TouchesModifyTime ? now : null)) is { } modified && file != null
            && !await file.DateAsync(modified, cancellation).ConfigureAwait(false))
        {
            return null;
        }

        lock (_journal.Gate)
        {
            lock (node.Gate)
            {
                if (!MayChange(node) || !_journal.CanAppend || !MayHere(caller, node.Known!, change)
                    || Changed(node.Known!, change, now) is not { } status)
                {
                    return null;
                }

                node.ChangedHere(status);
                node.File?.Changed(now);
                _journal.Append(NodeChange.SetAttributes(node.Inode, change, status.ChangeTime), node);
            }
        }

        return TryTell(node, out var entry) ? entry : await StatAsync(node, cancellation).ConfigureAwait(false);
    }

    /// <summary>As the metaservers would set them (SetAttributesOperation); null: they have to.</summary>
    private static FileStatus? Changed(FileStatus before, AttributeChange change, FileTime now)
    {
        var isGiven = change.Uid != null || change.Gid != null;
        if (before.HasAccessAcl || before.HasQuota || (isGiven && (before.Mode & SpecialModes) != 0))
        {
            return null;
        }

        return before with
        {
            Mode = change.Mode ?? before.Mode,
            Uid = change.Uid ?? before.Uid,
            Gid = change.Gid ?? before.Gid,
            AccessTime = change.TouchesAccessTime ? now : change.AccessTime ?? before.AccessTime,
            ModifyTime = change.TouchesModifyTime ? now : change.ModifyTime ?? before.ModifyTime,
            ChangeTime = now,
        };
    }
}
