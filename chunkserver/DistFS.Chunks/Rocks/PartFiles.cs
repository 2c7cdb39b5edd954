using System.Diagnostics;
using DistFS.Native;

namespace DistFS.Chunks;

/// <summary>The files of parts, by number, and what the page cache has of them. For any thread.</summary>
/// <param name="engine">Which has the files.</param>
internal sealed class PartFiles(StoreEngine engine)
{
    /// <summary>Listing all files of the engine costs about 1 us for each: no more often than this.</summary>
    private static readonly TimeSpan ListAgain = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private Dictionary<ulong, string> _files = [];
    private long _listedAt;

    /// <summary>
    /// Drops what the page cache has of a part. A file that is gone, or too new to be known yet, is left alone.
    /// </summary>
    public void DropCached(ulong part)
    {
        if (Find(part) is not { } path)
        {
            return;
        }

        try
        {
            // Its own descriptor: the engine's stays as it is. Nothing in it is dirty, since it was synced.
            using var file = File.OpenHandle(path, share: FileShare.ReadWrite | FileShare.Delete);
            Posix.Advise(file, 0, 0, FileAdvice.DontNeed);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Dropped with its chunk meanwhile; if it is not, whoever reads it finds out.
        }
    }

    /// <summary>Where the file of a part lies; null: it is gone, or too new to be known yet.</summary>
    public string? Find(ulong part)
    {
        lock (_gate)
        {
            if (!_files.TryGetValue(part, out var path)
                && (_listedAt == 0 || Stopwatch.GetElapsedTime(_listedAt) > ListAgain))
            {
                _files = engine.PartFiles();
                _listedAt = Stopwatch.GetTimestamp();
                _files.TryGetValue(part, out path);
            }

            return path;
        }
    }
}
