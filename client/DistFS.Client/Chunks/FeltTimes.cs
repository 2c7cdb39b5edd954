using DistFS.Primitives;

namespace DistFS.Client.Chunks;

/// <summary>
/// How long the last read at each of some servers took, from its request to its end: told to the server with the next
/// one, so that it knows what its clients feel (docs/design/placement.md). What does not find its place is not told:
/// those that are, are a fair choice. Any thread.
/// </summary>
internal sealed class FeltTimes
{
    private const int Places = 64;
    private const int MicrosecondBits = 27;
    private const int BlockBits = 5;
    private const ulong MicrosecondsMax = (1 << MicrosecondBits) - 1;

    // Server, blocks, microseconds; 0: nothing is to be told.
    private readonly ulong[] _last = new ulong[Places];
    private uint _ranges;

    /// <summary>
    /// Whether a read that begins is timed: of ranges, which take microseconds and are many, one in eight is.
    /// </summary>
    public bool IsWanted(bool isRange) => !isRange || _ranges++ % 8 == 0;

    /// <summary>A read has ended well.</summary>
    /// <param name="server">Where.</param>
    /// <param name="blocks">Of how many blocks; 0 for a range of one. Below 32.</param>
    /// <param name="took">How long it took; counts from 1 us to 134 s.</param>
    public void Note(ServerId server, uint blocks, TimeSpan took)
    {
        var microseconds = (ulong)Math.Clamp((long)took.TotalMicroseconds, 1, (long)MicrosecondsMax);
        Volatile.Write(
            ref PlaceOf(server),
            ((((ulong)server.Value << BlockBits) | blocks) << MicrosecondBits) | microseconds);
    }

    /// <summary>What is to be told to a server, once: microseconds, 0 for nothing.</summary>
    public uint Take(ServerId server, out uint blocks)
    {
        blocks = 0;
        ref var place = ref PlaceOf(server);
        var last = Volatile.Read(ref place);
        if (last >> (MicrosecondBits + BlockBits) != server.Value
            || Interlocked.CompareExchange(ref place, 0, last) != last)
        {
            return 0;
        }

        blocks = (uint)(last >> MicrosecondBits) & ((1 << BlockBits) - 1);
        return (uint)(last & MicrosecondsMax);
    }

    private ref ulong PlaceOf(ServerId server) => ref _last[server.Value % Places];
}
