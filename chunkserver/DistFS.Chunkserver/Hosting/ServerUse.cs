using DistFS.Chunkserver.Stores;

namespace DistFS.Chunkserver.Hosting;

/// <summary>
/// How much the server has and uses. Without a limit that is what its disks say; with one, what its own folders take
/// counts, which is looked up now and then.
/// </summary>
/// <param name="stores">Its disks.</param>
/// <param name="folders">Its folders.</param>
/// <param name="limitBytes">It takes at most so many bytes; null for no limit.</param>
/// <param name="clock">Whose time.</param>
internal sealed class ServerUse(
    StoreSet stores, IReadOnlyList<string> folders, long? limitBytes, TimeProvider clock)
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(15);

    private readonly Lock _gate = new();
    private long _ownBytes = -1;
    private long _lookedAt;

    /// <summary>Bytes that it may have, and that it has.</summary>
    public (long Capacity, long Used) Now
    {
        get
        {
            var space = stores.Space;
            if (limitBytes is not { } limit)
            {
                return (space.CapacityBytes, space.CapacityBytes - space.AvailableBytes);
            }

            lock (_gate)
            {
                if (_ownBytes < 0 || clock.GetElapsedTime(_lookedAt) > LookAgain)
                {
                    (_ownBytes, _lookedAt) = (folders.Sum(SizeOf), clock.GetTimestamp());
                }

                return (Math.Min(limit, space.CapacityBytes), _ownBytes);
            }
        }
    }

    private static long SizeOf(string folder)
    {
        try
        {
            return new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The disk is gone, and so is what it had.
            return 0;
        }
    }

    private static long Length(FileInfo file)
    {
        try
        {
            return file.Length;
        }
        catch (FileNotFoundException)
        {
            // It was merged into another one meanwhile.
            return 0;
        }
    }
}
