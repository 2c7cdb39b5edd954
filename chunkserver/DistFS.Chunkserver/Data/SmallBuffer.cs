using System.Buffers;
using DistFS.Blocks;

namespace DistFS.Chunkserver.Data;

/// <summary>Memory for the reply to a small read; kept for the next one when it is disposed of.</summary>
internal sealed class SmallBuffer : IMemoryOwner<byte>
{
    /// <summary>A range has so many bytes at most, as the client asks for them.</summary>
    public const int RangeMax = 16 << 10;

    // So many are kept for each thread; replies that wait to be sent have one each.
    private const int KeptMax = 64;

    [ThreadStatic]
    private static Stack<SmallBuffer>? _kept;

    private readonly byte[] _bytes = new byte[PieceHeader.Bytes + RangeMax];

    /// <inheritdoc/>
    public Memory<byte> Memory => _bytes;

    /// <summary>One for the caller alone, until he disposes of it.</summary>
    public static SmallBuffer Rent() => _kept is { Count: > 0 } kept ? kept.Pop() : new SmallBuffer();

    /// <summary>Gives it back; once.</summary>
    public void Dispose()
    {
        var kept = _kept ??= new Stack<SmallBuffer>(KeptMax);
        if (kept.Count < KeptMax)
        {
            kept.Push(this);
        }
    }
}
