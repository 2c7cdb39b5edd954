using System.Collections.Concurrent;
using System.Text;
using DistFS.Client;
using DistFS.Client.Leases;
using DistFS.Client.Nodes;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>Listings, extended attributes, room.</content>
public sealed partial class VfsMount
{
    private const int NamesAtOnce = 1_024;

    private static readonly TimeSpan SpaceValid = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<ulong, VfsDirectory> _directories = [];
    private (long At, long Capacity, long Used)? _space;

    /// <summary>Opens a directory.</summary>
    public VfsOpened OpenDirectory(FileIdentity caller, InodeId inode)
    {
        var number = Interlocked.Increment(ref _lastHandle);
        var node = NodeOf(inode);
        _directories[number] = new VfsDirectory(caller, node) { ErrorsSeen = node.Errors.Count };
        return new VfsOpened(FsStatus.Ok, number, false, false);
    }

    /// <summary>Closes it.</summary>
    public void ReleaseDirectory(ulong handle) => _directories.TryRemove(handle, out _);

    /// <summary>All that was changed in it is durable (fsync of a directory).</summary>
    public async ValueTask<FsStatus> SyncDirectoryAsync(ulong handle, CancellationToken cancellation)
    {
        if (!_directories.TryGetValue(handle, out var open))
        {
            return FsStatus.BadHandle;
        }

        try
        {
            await SentAsync(open.Node, cancellation).ConfigureAwait(false);
            var (count, last) = open.Node.Errors;
            (var seen, open.ErrorsSeen) = (open.ErrorsSeen, count);
            return seen == count ? FsStatus.Ok : last;
        }
        catch (DistFsException e)
        {
            return StatusOf(e);
        }
    }

    /// <summary>
    /// A part of a listing, from behind a cookie on: what comes with one page, and no more than are asked for. Each
    /// entry is disposed of; those that the kernel is told of with attributes are counted (<see cref="CountLookup"/>).
    /// </summary>
    public async ValueTask<(FsStatus Status, IReadOnlyList<VfsName> Names)> ReadDirectoryAsync(
        ulong handle, ulong after, int most, bool withAttributes, CancellationToken cancellation)
    {
        if (!_directories.TryGetValue(handle, out var open))
        {
            return (FsStatus.BadHandle, []);
        }

        try
        {
            open.Here = after == 0 ? NamesHere(open.Node) : open.Here;
            IReadOnlyList<DirectoryEntry> all;
            var from = 0;
            if (open.Here is { } here)
            {
                (all, from) = (here, (int)Math.Min(after, (ulong)here.Count));
            }
            else
            {
                // The kernel takes less than a page at a time, and comes back for the rest.
                if (open.Page is not { } page || after == 0 || open.From > after
                    || page.Entries is not [.., { } end] || end.Cookie <= after)
                {
                    page = await PageAsync(open, after, cancellation).ConfigureAwait(false);
                    if (page.Status != FsStatus.Ok)
                    {
                        return (page.Status, []);
                    }
                }

                all = page.Entries;
                while (from < all.Count && all[from].Cookie <= after)
                {
                    from++;
                }
            }

            var count = Math.Min(most, all.Count - from);
            if (withAttributes)
            {
                // The first part the kernel asks for with attributes whatever the program wants; later ones only of a
                // program that looks at what it lists, and will look at the rest too.
                await LearnAsync(all, from, count, after > 0, cancellation).ConfigureAwait(false);
            }

            var names = new VfsName[count];
            for (var i = 0; i < count; i++)
            {
                var (cookie, item) = all[from + i];
                names[i] = new VfsName(
                    cookie, item.NameBytes, item.Inode, item.Kind, withAttributes ? Entry(open.Node, item) : default);
            }

            return (FsStatus.Ok, names);
        }
        catch (DistFsException e)
        {
            return (StatusOf(e), []);
        }
    }

    /// <summary>The kernel is told of an entry of a listing: it counts as a lookup.</summary>
    public void CountLookup(in VfsEntry entry) => Told(entry);

    /// <summary>The value of an extended attribute.</summary>
    public async ValueTask<NodeData> GetXattrAsync(
        FileIdentity caller, InodeId inode, ReadOnlyMemory<byte> name, CancellationToken cancellation)
    {
        var node = NodeOf(inode);
        lock (node.Gate)
        {
            // Asked for with each write (security.capability), and nearly never there.
            if (node.Known is { HasXattrs: false, HasAccessAcl: false, HasDefaultAcl: false }
                && Holds(node, LeaseMode.Read))
            {
                return new NodeData(FsStatus.NoData, default);
            }
        }

        try
        {
            await SentAsync(node, cancellation).ConfigureAwait(false);
            return await _cluster.GetXattrAsync(caller, inode, name, cancellation).ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            return new NodeData(StatusOf(e), default);
        }
    }

    /// <summary>The names of extended attributes, each with a NUL behind it.</summary>
    public async ValueTask<NodeData> ListXattrsAsync(
        FileIdentity caller, InodeId inode, CancellationToken cancellation)
    {
        try
        {
            await SentAsync(NodeOf(inode), cancellation).ConfigureAwait(false);
            return await _cluster.ListXattrsAsync(caller, inode, cancellation).ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            return new NodeData(StatusOf(e), default);
        }
    }

    /// <summary>Sets an extended attribute.</summary>
    public ValueTask<FsStatus> SetXattrAsync(
        FileIdentity caller,
        InodeId inode,
        (ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> Value) pair,
        XattrMode mode,
        CancellationToken cancellation) =>
        ChangeAsync(inode, () => _cluster.SetXattrAsync(caller, inode, pair, mode, cancellation), cancellation);

    /// <summary>Removes one.</summary>
    public ValueTask<FsStatus> RemoveXattrAsync(
        FileIdentity caller, InodeId inode, ReadOnlyMemory<byte> name, CancellationToken cancellation) =>
        ChangeAsync(inode, () => _cluster.RemoveXattrAsync(caller, inode, name, cancellation), cancellation);

    /// <summary>Bytes of all chunk servers, each copy counted; as of a second ago at most.</summary>
    public async ValueTask<(FsStatus Status, long Capacity, long Used)> SpaceAsync(CancellationToken cancellation)
    {
        if (_space is { } known && _options.Clock.GetElapsedTime(known.At) < SpaceValid)
        {
            return (FsStatus.Ok, known.Capacity, known.Used);
        }

        try
        {
            var (capacity, used) = await _cluster.SpaceAsync(cancellation).ConfigureAwait(false);
            _space = (_options.Clock.GetTimestamp(), capacity, used);
            return (FsStatus.Ok, capacity, used);
        }
        catch (DistFsException e)
        {
            return (StatusOf(e), 0, 0);
        }
    }

    /// <summary>A range becomes zeros that take no room (fallocate).</summary>
    /// <param name="handle">Of the file, open for writing.</param>
    /// <param name="offset">From there.</param>
    /// <param name="length">So much.</param>
    /// <param name="grows">Where the file ends before the range does, it grows.</param>
    /// <param name="cancellation">Gives up.</param>
    public async ValueTask<FsStatus> PunchAsync(
        ulong handle, long offset, long length, bool grows, CancellationToken cancellation)
    {
        if (!_handles.TryGetValue(handle, out var open) || !open.Mode.Writes)
        {
            return FsStatus.BadHandle;
        }

        try
        {
            return await open.File.PunchAsync(offset, length, grows, cancellation).ConfigureAwait(false);
        }
        catch (DistFsException e)
        {
            return StatusOf(e);
        }
    }

    /// <summary>
    /// The names of a directory, all of which are known: as they are now, which a listing may tell to its end. Null:
    /// the metaservers have to be asked.
    /// </summary>
    private List<DirectoryEntry>? NamesHere(VfsNode node)
    {
        lock (node.Gate)
        {
            if (node.Parent.Value == 0 || !Holds(node, LeaseMode.Read) || node.Names() is not { } names)
            {
                return null;
            }

            var cookie = 0UL;
            List<DirectoryEntry> all = new(names.Count + 2)
            {
                new(++cookie, new DirectoryItem(".", "."u8.ToArray(), node.Inode, FileKind.Directory, null)),
                new(++cookie, new DirectoryItem("..", ".."u8.ToArray(), node.Parent, FileKind.Directory, null)),
            };
            all.AddRange(names.Select(one => new DirectoryEntry(
                ++cookie,
                new DirectoryItem(Encoding.UTF8.GetString(one.Name), one.Name, one.Inode, one.Kind, null))));
            return all;
        }
    }

    private async Task<DirectoryPage> PageAsync(VfsDirectory open, ulong after, CancellationToken cancellation)
    {
        var node = open.Node;
        var isHeld = await ReadLeaseAsync(node, cancellation).ConfigureAwait(false);
        await SentAsync(node, cancellation).ConfigureAwait(false);
        long stamp;
        lock (node.Gate)
        {
            stamp = node.NamesStamp;
        }

        var page = await _cluster
            .ReadDirectoryAsync(open.Caller, node.Inode, after, withStatus: false, cancellation)
            .ConfigureAwait(false);
        var isNext = after == (open.Page is { Entries.Count: > 0 } before ? before.Entries[^1].Cookie : 0);
        (open.Page, open.From) = (page, after);
        lock (node.Gate)
        {
            var isCurrent = isHeld && page.Status == FsStatus.Ok && node.NamesStamp == stamp
                && Holds(node, LeaseMode.Read);
            if (isCurrent)
            {
                LearnPage(node, page);
            }

            // All of it, from the first page to the last, one behind the other, under one lease and without a change.
            open.WholeStamp = !isCurrent ? -1 : after == 0 ? stamp : isNext ? open.WholeStamp : -1;
            if (page.IsEnd && isCurrent && open.WholeStamp == stamp)
            {
                node.Complete();
            }
        }

        return page;
    }

    /// <summary>
    /// Leases of those that are not known yet; and if there is one, of what is behind them too, if that is wanted.
    /// </summary>
    private async Task LearnAsync(
        IReadOnlyList<DirectoryEntry> entries, int from, int count, bool isAhead, CancellationToken cancellation)
    {
        List<(VfsNode Node, long Stamp)> asked = [];
        for (var i = from; i < entries.Count && (i < from + count || (isAhead && i < from + NamesAtOnce)); i++)
        {
            if (i == from + count && asked.Count == 0)
            {
                break;
            }

            var item = entries[i].Item;
            if (item.Name is "." or "..")
            {
                continue;
            }

            var node = NodeOf(item.Inode);
            lock (node.Gate)
            {
                if (!node.IsGivingUp && (node.Known == null || !Holds(node, LeaseMode.Read))
                    && _journal.IsSent(node.ChangedAt))
                {
                    asked.Add((node, node.Stamp));
                }
            }
        }

        foreach (var part in asked.Chunk(LeasesAtOnce))
        {
            var leases = await _cluster
                .AcquireAsync([.. part.Select(static one => one.Node.Inode)], LeaseMode.Read, default, cancellation)
                .ConfigureAwait(false);
            for (var i = 0; i < part.Length; i++)
            {
                Learn(part[i].Node, part[i].Stamp, leases[i].Attributes);
            }
        }
    }

    private VfsEntry Entry(VfsNode directory, DirectoryItem item) =>
        item.Name is not ("." or "..") && TryLookup(directory, item.NameBytes.Span, out var entry)
            && entry.Attributes?.Inode == item.Inode
            ? entry : default;

    private async ValueTask<FsStatus> ChangeAsync(
        InodeId inode, Func<Task<NodeReply>> change, CancellationToken cancellation)
    {
        if (_options.IsReadOnly)
        {
            return FsStatus.ReadOnly;
        }

        try
        {
            var node = NodeOf(inode);
            using var direct = await BeginDirectAsync(cancellation, node).ConfigureAwait(false);
            var reply = await change().ConfigureAwait(false);
            FileOf(node)?.Changed(reply.Attributes, isTouched: false);
            return reply.Status;
        }
        catch (DistFsException e)
        {
            return StatusOf(e);
        }
    }

    /// <summary>An open of a directory.</summary>
    private sealed class VfsDirectory(FileIdentity caller, VfsNode node)
    {
        public FileIdentity Caller => caller;

        public VfsNode Node => node;

        /// <summary>The last page, and from behind which cookie on.</summary>
        public DirectoryPage? Page { get; set; }

        public ulong From { get; set; }

        /// <summary>All names, as they were when it was begun here; null: pages are asked for.</summary>
        public List<DirectoryEntry>? Here { get; set; }

        /// <summary>Of changes that could not be made: those that were told.</summary>
        public long ErrorsSeen { get; set; }

        /// <summary>Under which stamp all pages so far were read; -1: not under one.</summary>
        public long WholeStamp { get; set; } = -1;
    }
}
