using DistFS.Metadata.Ranges;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metadata;

/// <content>Ranges of inode numbers that sessions have reserved, under the session and their first number.</content>
public sealed partial class Tree
{
    /// <summary>Most ranges of a session that are not used up.</summary>
    internal const int RangesMax = 16;

    private const int UsedMax = 4_096;

    /// <summary>
    /// Under which number the range lies that a session took from last: nearly always the one it takes from next, and a
    /// scan per new file was a fifth of all processor time. Only where to look: what is true is in the row.
    /// </summary>
    private readonly Dictionary<ClientId, ulong> _used = [];

    /// <summary>Gives a session numbers that were never given before; returns the first.</summary>
    internal InodeId Reserve(ClientId client, uint count)
    {
        var first = Counter("next-inode"u8, InodeId.Root.Value + 1, count);
        PutRange(client, first, new InodeRangeRow(first, first + count));
        return new InodeId(first);
    }

    /// <summary>
    /// Takes a number out of a session's ranges, and with it those below it of its range.
    /// <see cref="FsStatus.NotPermitted"/>: it is in none that the session has or had;
    /// <see cref="FsStatus.Stale"/>: it was taken, or passed over.
    /// </summary>
    internal FsStatus Take(ClientId client, InodeId id)
    {
        if (!TryFindRange(client, id, out var first, out var range))
        {
            // A range that is used up is forgotten; what was made of it is there, or has been.
            return TryGet(id, out _) ? FsStatus.Stale : FsStatus.NotPermitted;
        }

        if (id.Value < range.Next)
        {
            return FsStatus.Stale;
        }

        if (id.Value + 1 < range.End)
        {
            PutRange(client, first, range with { Next = id.Value + 1 });
        }
        else
        {
            RemoveRange(client, first);
        }

        return FsStatus.Ok;
    }

    /// <summary>The range of a session in which a number lies: no two have one in common.</summary>
    private bool TryFindRange(ClientId client, InodeId id, out ulong first, out InodeRangeRow range)
    {
        if (_used.TryGetValue(client, out first) && TryGetRange(client, first, out range)
            && id.Value >= first && id.Value < range.End)
        {
            return true;
        }

        foreach (var (begin, found) in RangesOf(client))
        {
            if (id.Value >= begin && id.Value < found.End)
            {
                if (_used.Count >= UsedMax)
                {
                    _used.Clear();
                }

                _used[client] = begin;
                (first, range) = (begin, found);
                return true;
            }
        }

        range = default;
        return false;
    }

    private bool TryGetRange(ClientId client, ulong first, out InodeRangeRow range)
    {
        _value.ResetWrittenCount();
        var found = changes.TryRead(
            RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.InodeRange, client.Value, first), _value);
        range = found ? InodeRangeRow.Read(_value.WrittenSpan) : default;
        return found;
    }

    /// <summary>The ranges of a session, in order.</summary>
    internal List<(ulong First, InodeRangeRow Range)> RangesOf(ClientId client)
    {
        var ranges = new List<(ulong First, InodeRangeRow Range)>();
        var prefix = new RowKey(stackalloc byte[RowKey.BytesMax], RowTable.InodeRange);
        prefix.Add(client.Value);
        ScanPrefix(prefix.Bytes, (key, value) =>
        {
            ranges.Add((RowKey.CookieOf(key), InodeRangeRow.Read(value)));
            return true;
        });
        return ranges;
    }

    /// <summary>A session is over: what is left of its ranges is nobody's.</summary>
    internal void RemoveRanges(ClientId client)
    {
        foreach (var (first, _) in RangesOf(client))
        {
            RemoveRange(client, first);
        }
    }

    private void RemoveRange(ClientId client, ulong first) => changes.Delete(
        RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.InodeRange, client.Value, first));

    internal void PutRange(ClientId client, ulong first, in InodeRangeRow range)
    {
        Span<byte> row = stackalloc byte[InodeRangeRow.SizeBytes];
        range.Write(row);
        changes.Put(
            RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.InodeRange, client.Value, first), row);
    }
}
