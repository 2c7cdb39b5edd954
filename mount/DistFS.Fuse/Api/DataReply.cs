namespace DistFS.Fuse;

/// <summary>
/// Answer with bytes: READ, READLINK. The kernel has copied them when the call returns, so the memory is the caller's
/// again, whatever the result.
/// </summary>
public readonly record struct DataReply(FuseRequest Request) : IFuseReply
{
    /// <summary>Segments of one answer; as many as pages of 4 KiB in the largest one.</summary>
    public const int SegmentsMax = 256;

    /// <summary>Answers with one piece, without a copy of ours. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    /// <exception cref="ArgumentException">More than was asked for; it is not answered.</exception>
    public bool Ok(ReadOnlySpan<byte> data)
    {
        Request.State.RequireRoom(data.Length);
        return Request.Claim().SendBytes(data);
    }

    /// <summary>
    /// Answers with the pieces one after the other, without a copy of ours. Once, and nothing else then.
    /// </summary>
    /// <returns>False when nobody waits any more.</returns>
    /// <exception cref="ArgumentException">
    /// More than was asked for, or more than <see cref="SegmentsMax"/> pieces; it is not answered.
    /// </exception>
    public bool Ok(ReadOnlySpan<ReadOnlyMemory<byte>> segments)
    {
        RequireSegments(segments.Length);
        long bytes = 0;
        foreach (var segment in segments)
        {
            bytes += segment.Length;
        }

        Request.State.RequireRoom(bytes);
        return Request.Claim().SendSegments(segments);
    }

    /// <summary>Answers with pieces of native memory. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    /// <exception cref="ArgumentException">
    /// More than was asked for, or more than <see cref="SegmentsMax"/> pieces; it is not answered.
    /// </exception>
    public bool Ok(ReadOnlySpan<IoVector> segments)
    {
        RequireSegments(segments.Length);
        ulong bytes = 0;
        foreach (var segment in segments)
        {
            bytes = checked(bytes + segment.Length);
        }

        Request.State.RequireRoom(checked((long)bytes));
        return Request.Claim().SendVectors(segments);
    }

    /// <summary>Answers with an error. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Fail(Errno error) => Request.Claim().SendError(error);

    private static void RequireSegments(int count)
    {
        if (count > SegmentsMax)
        {
            throw new ArgumentException($"An answer has at most {SegmentsMax} segments; these are {count}.");
        }
    }
}
