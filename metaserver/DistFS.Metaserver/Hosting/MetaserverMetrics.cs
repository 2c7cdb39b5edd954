using System.Diagnostics.Metrics;
using DistFS.Metadata.Rows;
using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.State;

namespace DistFS.Metaserver.Hosting;

/// <summary>
/// What one metaserver has, on the meter "DistFS.Metaserver"; it is looked at when somebody asks, never else.
/// </summary>
internal sealed class MetaserverMetrics : IDisposable
{
    private const string SnapshotPattern = "snap-*.snap";

    private readonly Meter _meter;

    public MetaserverMetrics(RaftDriver driver, MetadataState state, string logFolder, TimeProvider clock)
    {
        _meter = new Meter(
            "DistFS.Metaserver", null, [new KeyValuePair<string, object?>("member", driver.Self.ToString())]);
        _meter.CreateObservableGauge(
            "distfs.meta.leader", () => driver.IsLeader ? 1 : 0, null, "1 on the member that leads.");
        _meter.CreateObservableGauge(
            "distfs.meta.applied", () => (long)state.AppliedIndex.Value, "{entry}", "The last entry of the state.");
        _meter.CreateObservableGauge(
            "distfs.meta.calls", () => driver.CallsUnderWay, "{call}", "Proposals and reads that somebody waits for.");
        _meter.CreateObservableGauge(
            "distfs.meta.sessions", () => Sessions(state), "{session}", "Clients that are not over.");
        _meter.CreateObservableGauge(
            "distfs.meta.log.size", () => BytesOf(logFolder, "log-*.seg"), "By", "Files of the log.");
        _meter.CreateObservableGauge(
            "distfs.meta.snapshot.size", () => BytesOf(logFolder, SnapshotPattern), "By", "Snapshots.");
        _meter.CreateObservableGauge<double>(
            "distfs.meta.snapshot.age",
            () => SnapshotAges(logFolder, clock),
            "s",
            "Since the newest snapshot was written; nothing before the first.");
        _meter.CreateObservableGauge(
            "distfs.meta.engine.memory", () => state.EngineMemoryBytes, "By", "Cache, buffers and indexes of RocksDB.");
    }

    public void Dispose() => _meter.Dispose();

    private static long Sessions(MetadataState state) => state.Read(0, static (store, _) =>
    {
        var count = 0L;
        store.Scan([(byte)RowTable.Session], [(byte)RowTable.Session + 1], (_, _) =>
        {
            count++;
            return true;
        });
        return count;
    });

    private static long BytesOf(string folder, string pattern) =>
        new DirectoryInfo(folder).EnumerateFiles(pattern).Sum(static file => file.Exists ? file.Length : 0);

    private static Measurement<double>[] SnapshotAges(string folder, TimeProvider clock)
    {
        var files = new DirectoryInfo(folder).EnumerateFiles(SnapshotPattern).ToList();
        return files.Count == 0
            ? []
            : [new Measurement<double>(files.Min(file =>
                (clock.GetUtcNow() - new DateTimeOffset(file.LastWriteTimeUtc)).TotalSeconds))];
    }
}
