namespace DistFS.Posix.Random;

internal enum FileAction
{
    Read,
    Write,
    Append,
    Truncate,
    Punch,
    ZeroRange,
    Allocate,
    MapRead,
    MapWrite,
    CopyRange,
    Reopen,
    Fsync,
    Stat,
}

/// <summary>
/// One operation on the file; a function of its fields alone, so that a sequence can be run again in part.
/// </summary>
/// <param name="Mount">0 or 1: through which it is made.</param>
/// <param name="Offset">In bytes; for a truncation the new size.</param>
/// <param name="Length">In bytes.</param>
/// <param name="Fill">What the bytes are drawn from.</param>
internal sealed record FileOperation(FileAction Action, int Mount, int Offset, int Length, int Fill)
{
    /// <summary>The file never grows beyond this; a prime, so that ends fall everywhere.</summary>
    public const int SizeMax = 524_287;

    private static readonly FileAction[] Weighted =
    [
        .. Enumerable.Repeat(FileAction.Read, 24), .. Enumerable.Repeat(FileAction.Write, 24),
        .. Enumerable.Repeat(FileAction.Append, 4), .. Enumerable.Repeat(FileAction.Truncate, 8),
        .. Enumerable.Repeat(FileAction.Punch, 5), .. Enumerable.Repeat(FileAction.ZeroRange, 3),
        .. Enumerable.Repeat(FileAction.Allocate, 3), .. Enumerable.Repeat(FileAction.MapRead, 8),
        .. Enumerable.Repeat(FileAction.MapWrite, 8), .. Enumerable.Repeat(FileAction.CopyRange, 3),
        .. Enumerable.Repeat(FileAction.Reopen, 4), FileAction.Fsync, .. Enumerable.Repeat(FileAction.Stat, 5),
    ];

    public static FileOperation Draw(System.Random random, int mounts)
    {
        var action = Weighted[random.Next(Weighted.Length)];

        // Small and large, and often at the borders of pages and blocks.
        var length = random.Next(4) == 0 ? random.Next(1, 131_072) : random.Next(1, 5000);
        var offset = random.Next(SizeMax - length);
        if (random.Next(3) == 0)
        {
            var unit = random.Next(2) == 0 ? 4096 : 65_536;
            offset = Math.Min(SizeMax - length, Math.Max(0, (offset / unit * unit) + random.Next(-1, 2)));
        }

        return new FileOperation(action, random.Next(mounts), offset, length, random.Next());
    }

    /// <summary>The bytes that the operation writes: never zero, so that a hole can be told from them.</summary>
    public void FillInto(Span<byte> bytes)
    {
        var value = (uint)Fill;
        foreach (ref var target in bytes)
        {
            value = (value * 1_664_525) + 1_013_904_223;
            target = (byte)(1 + ((value >> 24) % 255));
        }
    }
}
