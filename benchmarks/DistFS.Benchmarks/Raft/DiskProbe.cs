using System.Diagnostics;
using DistFS.Metaserver.Storage;

namespace DistFS.Benchmarks.Raft;

/// <summary>
/// What the disk alone needs for one record of the log: the same calls as the log's, into a preallocated file, then
/// fdatasync.
/// </summary>
internal static class DiskProbe
{
    private const int SectorBytes = 512;

    /// <summary>Milliseconds of each write with its sync.</summary>
    public static List<double> Run(string folder, int bytes, TimeSpan duration)
    {
        Directory.CreateDirectory(folder);
        var disk = new PosixDisk(folder);
        const string Name = "probe";
        var times = new List<double>();
        using (var file = disk.Create(Name))
        {
            file.Preallocate(64 << 20);
            file.Sync();
            disk.SyncFolder();
            var record = new byte[bytes];
            Random.Shared.NextBytes(record);
            var start = Stopwatch.GetTimestamp();
            for (long offset = 0; Stopwatch.GetElapsedTime(start) < duration; offset += SectorBytes)
            {
                var before = Stopwatch.GetTimestamp();
                file.Write(offset % (63 << 20), record);
                file.Sync();
                times.Add(Stopwatch.GetElapsedTime(before).TotalMilliseconds);
            }
        }

        disk.Delete(Name);
        return times;
    }
}
