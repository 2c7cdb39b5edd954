using System.Buffers;
using DistFS.Blocks;
using DistFS.Client.Chunks;

namespace DistFS.Client.Files;

/// <summary>
/// Small writes of a file that wait to be sent together: of each byte, what was written last. One caller at a time.
/// </summary>
/// <remarks>
/// The bytes lie in one array, in the order in which they came; ranges say where in the file they stand. Ranges are in
/// order, do not overlap, and end with the place (chunk) of the file in which they begin.
/// </remarks>
/// <param name="budget">What all files of the client may take together.</param>
internal sealed class GatheredWrites(GatherBudget budget) : IDisposable
{
    /// <summary>Longer ones are sent by themselves: to gather them saves nothing, and costs a copy.</summary>
    public const int WriteBytesMax = 256 << 10;

    private const int BytesMin = 64 << 10;
    private const int BytesMax = 4 << 20;
    private const int RangesMax = 2_048;

    private readonly List<Range> _ranges = [];
    private byte[] _bytes = [];
    private int _used;

    /// <summary>Bytes that wait, some of them perhaps written over.</summary>
    public int Bytes => _used;

    /// <summary>Whether nothing waits.</summary>
    public bool IsEmpty => _ranges.Count == 0;

    /// <summary>Whether what waits is one range as long as a request: a file is written front to back.</summary>
    public bool IsRun => _ranges is [{ Length: >= ChunkWriter.RequestBytes }];

    /// <summary>Adds a write that lies in one place of the file; false: there is no room; nothing is added.</summary>
    public bool TryAdd(long offset, ReadOnlySpan<byte> content)
    {
        if (content.IsEmpty)
        {
            return true;
        }

        var end = offset + content.Length;
        var first = FirstBehind(offset);
        if (first < _ranges.Count && _ranges[first] is var over && over.Offset <= offset && end <= over.End)
        {
            content.CopyTo(_bytes.AsSpan(over.At + (int)(offset - over.Offset)));
            return true;
        }

        if (_ranges.Count >= RangesMax || !TryGrow(content.Length))
        {
            return false;
        }

        var added = new Range(offset, content.Length, _used);
        content.CopyTo(_bytes.AsSpan(_used));
        _used += content.Length;
        Insert(first, added);
        return true;
    }

    /// <summary>What waits for the first place of the file for which something does.</summary>
    public (ulong Index, IReadOnlyList<ChunkPart> Parts) FirstPlace()
    {
        var (index, _) = FileMapping.PlaceOf(_ranges[0].Offset);
        var parts = new List<ChunkPart>();
        foreach (var range in _ranges)
        {
            var (place, within) = FileMapping.PlaceOf(range.Offset);
            if (place != index)
            {
                break;
            }

            parts.Add(new ChunkPart(within, _bytes.AsMemory(range.At, range.Length)));
        }

        return (index, parts);
    }

    /// <summary>So many ranges, from the first on, are on their way.</summary>
    public void Sent(int count)
    {
        _ranges.RemoveRange(0, count);
        if (_ranges.Count == 0)
        {
            Dispose();
        }
    }

    /// <summary>Nothing behind a length waits any more; false: nothing did.</summary>
    public bool Cut(long length)
    {
        var first = FirstBehind(length);
        if (first == _ranges.Count)
        {
            return false;
        }

        if (_ranges[first] is var over && over.Offset < length)
        {
            _ranges[first++] = over with { Length = (int)(length - over.Offset) };
        }

        _ranges.RemoveRange(first, _ranges.Count - first);
        if (_ranges.Count == 0)
        {
            Dispose();
        }

        return true;
    }

    /// <summary>Of a run, all but what belongs to the block in which it ends; may be nothing.</summary>
    public ChunkPart WholeBlocks(out ulong index)
    {
        var run = _ranges[0];
        (index, var within) = FileMapping.PlaceOf(run.Offset);
        var length = run.Length - (int)Math.Min(run.Length, run.End % ChunkLayout.BlockBytes);
        return new ChunkPart(within, _bytes.AsMemory(run.At, length));
    }

    /// <summary>So much of the front of a run is on its way; the rest stays.</summary>
    public void SentOfRun(int length)
    {
        var run = _ranges[0];
        if (length == run.Length)
        {
            Sent(1);
            return;
        }

        _bytes.AsSpan(run.At + length, run.Length - length).CopyTo(_bytes);
        _ranges[0] = new Range(run.Offset + length, run.Length - length, 0);
        _used = run.Length - length;
    }

    /// <summary>Forgets all of it.</summary>
    public void Dispose()
    {
        _ranges.Clear();
        _used = 0;
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            budget.Return(_bytes.Length);
            _bytes = [];
        }
    }

    /// <summary>The first range that ends behind an offset.</summary>
    private int FirstBehind(long offset)
    {
        var (low, high) = (0, _ranges.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _ranges[middle].End > offset ? (low, middle) : (middle + 1, high);
        }

        return low;
    }

    /// <summary>Takes what it covers from those that are there, and joins it with the one that it goes on.</summary>
    private void Insert(int first, Range added)
    {
        var behind = first;
        while (behind < _ranges.Count && _ranges[behind].Offset < added.End)
        {
            behind++;
        }

        if (behind > first)
        {
            var rest = new List<Range>(3);
            var (left, right) = (_ranges[first], _ranges[behind - 1]);
            if (left.Offset < added.Offset)
            {
                rest.Add(left with { Length = (int)(added.Offset - left.Offset) });
            }

            rest.Add(added);
            if (right.End > added.End)
            {
                var cut = (int)(added.End - right.Offset);
                rest.Add(new Range(added.End, right.Length - cut, right.At + cut));
            }

            _ranges.RemoveRange(first, behind - first);
            _ranges.InsertRange(first, rest);
            return;
        }

        if (first > 0 && _ranges[first - 1] is var before && before.End == added.Offset
            && before.At + before.Length == added.At && added.Offset % ChunkLayout.ChunkBytes != 0)
        {
            _ranges[first - 1] = before with { Length = before.Length + added.Length };
            return;
        }

        _ranges.Insert(first, added);
    }

    private bool TryGrow(int more)
    {
        if (_used + more <= _bytes.Length)
        {
            return true;
        }

        if (_used + more > BytesMax)
        {
            return false;
        }

        var wanted = Math.Max(Math.Max(_used + more, BytesMin), Math.Min(BytesMax, _bytes.Length * 2));
        var larger = ArrayPool<byte>.Shared.Rent(wanted);
        if (!budget.TryTake(larger.Length - _bytes.Length))
        {
            ArrayPool<byte>.Shared.Return(larger);
            return false;
        }

        _bytes.AsSpan(0, _used).CopyTo(larger);
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }

        _bytes = larger;
        return true;
    }

    private readonly record struct Range(long Offset, int Length, int At)
    {
        public long End => Offset + Length;
    }
}

/// <summary>What the files of a client may gather together. Any thread.</summary>
/// <param name="bytesMax">So many bytes.</param>
internal sealed class GatherBudget(long bytesMax)
{
    private long _taken;

    /// <summary>So much more; false: it is not there.</summary>
    public bool TryTake(int bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) <= bytesMax)
        {
            return true;
        }

        Return(bytes);
        return false;
    }

    /// <summary>So much is free again.</summary>
    public void Return(int bytes) => Interlocked.Add(ref _taken, -bytes);
}
