using System.Buffers.Binary;
using DistFS.Metadata.Ranges;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Primitives;

namespace DistFS.Metadata.Fsck;

/// <content>Ranges of inode numbers: of sessions that are there, apart from each other, and not used.</content>
public sealed partial class TreeCheck
{
    private void TakeRanges(IOrderedStore store)
    {
        var sessions = new HashSet<ulong>();
        var ranges = new List<(ulong Session, ulong First, InodeRangeRow Range)>();
        Scan(store, RowTable.Session, (key, _) => sessions.Add(RowKey.InodeOf(key).Value));
        Scan(store, RowTable.InodeRange, (key, value) =>
        {
            ranges.Add((RowKey.InodeOf(key).Value, RowKey.CookieOf(key), InodeRangeRow.Read(value)));
            return true;
        });
        ranges.Sort(static (one, other) => one.First.CompareTo(other.First));
        var next = NextInode(store);
        ulong end = 0;
        foreach (var (session, first, range) in ranges)
        {
            if (!sessions.Contains(session))
            {
                Find($"a range of inodes from {first} on is of session {session:x}, which is not there");
            }

            if (first < end || range.Next < first || range.End > next)
            {
                Find($"the range of inodes from {first} to {range.End} has numbers of others, or not given yet");
            }

            end = Math.Max(end, range.End);
        }

        foreach (var id in _inodes.Keys.Where(id => IsIn(ranges, id)))
        {
            Find($"{id} is there, and a range of inodes has its number yet");
        }
    }

    private static bool IsIn(List<(ulong Session, ulong First, InodeRangeRow Range)> ranges, InodeId id)
    {
        var (low, high) = (0, ranges.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = ranges[middle].First <= id.Value ? (middle + 1, high) : (low, middle);
        }

        return low > 0 && id.Value >= ranges[low - 1].Range.Next && id.Value < ranges[low - 1].Range.End;
    }

    private static ulong NextInode(IOrderedStore store)
    {
        ulong next = 0;
        var key = RowKey.OfMeta(stackalloc byte[RowKey.BytesMax], "next-inode"u8).ToArray();
        store.Scan(key, [.. key, 0], (_, value) =>
        {
            next = BinaryPrimitives.ReadUInt64LittleEndian(value);
            return false;
        });
        return next;
    }
}
