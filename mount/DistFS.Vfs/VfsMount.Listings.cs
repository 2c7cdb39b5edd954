using System.Buffers;
using DistFS.Client.Leases;
using DistFS.Primitives;

namespace DistFS.Vfs;

/// <content>Listings.</content>
public sealed partial class VfsMount
{
    private const int NamesAtOnce = 1_024;

    /// <summary>
    /// The kernel asks for the first part of a listing with attributes whatever the program wants, and makes an inode
    /// of each: so that part is short. A program that looks at what it lists is given the rest with them too.
    /// </summary>
    private const int FirstWithAttributes = 128;

    /// <summary>
    /// A part of a listing, from behind a cookie on: what comes with one page, and no more than are asked for. Each
    /// entry is disposed of; those that the kernel is told of with attributes are counted (<see cref="CountLookup"/>).
    /// The names are given back by <see cref="Return"/>.
    /// </summary>
    public async ValueTask<(FsStatus Status, ArraySegment<VfsName> Names)> ReadDirectoryAsync(
        ulong handle, ulong after, int most, bool withAttributes, CancellationToken cancellation)
    {
        if (!_directories.TryGetValue(handle, out var open))
        {
            return (FsStatus.BadHandle, []);
        }

        try
        {
            if (await RowsAsync(open, after, cancellation).ConfigureAwait(false) is not FsStatus.Ok and var refused)
            {
                return (refused, []);
            }

            var rows = open.Rows;
            var from = open.IsHere ? (int)Math.Min(after, (ulong)rows.Length) : FirstBehind(rows, after);
            var isFirst = withAttributes && after == 0;
            var count = Math.Min(isFirst ? Math.Min(most, FirstWithAttributes) : most, rows.Length - from);
            if (withAttributes)
            {
                await LearnAsync(rows, from, count, after > 0, cancellation).ConfigureAwait(false);
            }

            var names = ArrayPool<VfsName>.Shared.Rent(count);
            for (var i = 0; i < count; i++)
            {
                var row = rows[from + i];
                names[i] = new VfsName(
                    row.Cookie, row.Name, row.Inode, row.Kind, withAttributes ? Entry(open.Node, row) : default);
            }

            return (FsStatus.Ok, new ArraySegment<VfsName>(names, 0, count));
        }
        catch (DistFsException e)
        {
            return (StatusOf(e), []);
        }
    }

    /// <summary>What <see cref="ReadDirectoryAsync"/> gave is not used any more.</summary>
    public static void Return(ArraySegment<VfsName> names)
    {
        if (names.Array is { Length: > 0 } rented)
        {
            ArrayPool<VfsName>.Shared.Return(rented, clearArray: true);
        }
    }

    /// <summary>The kernel is told of an entry of a listing: it counts as a lookup.</summary>
    public void CountLookup(in VfsEntry entry) => Told(entry);

    /// <summary>The rows of an open directory are those from behind a cookie on, or begin before it.</summary>
    private async ValueTask<FsStatus> RowsAsync(VfsDirectory open, ulong after, CancellationToken cancellation)
    {
        if (after == 0)
        {
            (open.Rows, open.IsHere) = NamesHere(open.Node) is { } here ? (here, true) : ([], false);
        }

        // The kernel takes less than a page at a time, and comes back for the rest.
        if (open.IsHere || (after > 0 && open.From <= after && open.Rows is [.., var last] && last.Cookie > after))
        {
            return FsStatus.Ok;
        }

        return await PageAsync(open, after, cancellation).ConfigureAwait(false);
    }

    private static int FirstBehind(VfsRow[] rows, ulong after)
    {
        var from = 0;
        while (from < rows.Length && rows[from].Cookie <= after)
        {
            from++;
        }

        return from;
    }

    /// <summary>
    /// The names of a directory, all of which are known: as they are now, which a listing may tell to its end. Null:
    /// the metaservers have to be asked.
    /// </summary>
    private VfsRow[]? NamesHere(VfsNode node)
    {
        lock (node.Gate)
        {
            return Holds(node, LeaseMode.Read) ? node.Listing() : null;
        }
    }

    private async Task<FsStatus> PageAsync(VfsDirectory open, ulong after, CancellationToken cancellation)
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
        if (page.Status != FsStatus.Ok)
        {
            return page.Status;
        }

        var isNext = after == (open.Rows is [.., var before] ? before.Cookie : 0);
        open.From = after;
        open.Rows = [.. page.Entries.Select(static one =>
            new VfsRow(one.Cookie, one.Item.NameBytes, one.Item.Inode, one.Item.Kind))];
        lock (node.Gate)
        {
            var isCurrent = isHeld && node.NamesStamp == stamp && Holds(node, LeaseMode.Read);
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

        return FsStatus.Ok;
    }

    /// <summary>
    /// Leases of those that are not known yet; and if there is one, of what is behind them too, if that is wanted.
    /// </summary>
    private async Task LearnAsync(
        VfsRow[] rows, int from, int count, bool isAhead, CancellationToken cancellation)
    {
        List<(VfsNode Node, long Stamp)> asked = [];
        for (var i = from; i < rows.Length && (i < from + count || (isAhead && i < from + NamesAtOnce)); i++)
        {
            if (i == from + count && asked.Count == 0)
            {
                break;
            }

            if (rows[i].IsOfDirectory)
            {
                continue;
            }

            var node = NodeOf(rows[i].Inode);
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

    private VfsEntry Entry(VfsNode directory, VfsRow row) =>
        !row.IsOfDirectory && TryLookup(directory, row.Name.Span, out var entry)
            && entry.Attributes?.Inode == row.Inode
            ? entry : default;
}
