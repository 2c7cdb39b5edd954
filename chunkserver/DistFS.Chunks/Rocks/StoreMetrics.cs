using System.Diagnostics;
using System.Diagnostics.Metrics;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>Metrics of one store on the meter "DistFS.Chunks". Nothing is measured while nobody listens.</summary>
internal sealed class StoreMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly Histogram<double> _commit;
    private readonly Histogram<int> _group;
    private readonly Counter<long> _written;
    private readonly Counter<long> _read;
    private readonly Counter<long> _events;

    public StoreMetrics(StoreId store, Func<int> openParts, Func<int> waiting, Func<StoreSpace> space)
    {
        _meter = new Meter("DistFS.Chunks", null, [new KeyValuePair<string, object?>("store", store.ToString())]);
        _commit = _meter.CreateHistogram<double>(
            "distfs.chunks.commit.duration", "s", "Writing, and syncing if asked for, one group of changes.");
        _group = _meter.CreateHistogram<int>("distfs.chunks.commit.requests", "{request}", "Requests of one group.");
        _written = _meter.CreateCounter<long>(
            "distfs.chunks.written", "By", "Bytes that were stored, by where they went: part or overlay.");
        _read = _meter.CreateCounter<long>("distfs.chunks.read", "By", "Bytes that were read.");
        _events = _meter.CreateCounter<long>(
            "distfs.chunks.events", "{event}", "Parts, blocks put together, chunks written anew, lost, ...");
        _meter.CreateObservableGauge("distfs.chunks.parts.open", openParts, "{part}", "Parts that are written to.");
        _meter.CreateObservableGauge("distfs.chunks.queue.length", waiting, "{request}", "What waits for the lane.");
        _meter.CreateObservableGauge(
            "distfs.chunks.space.available", () => space().AvailableBytes, "By", "Free on the disk.");
    }

    public void Committed(long start, int requests, bool isSynced)
    {
        if (_commit.Enabled)
        {
            _commit.Record(
                Stopwatch.GetElapsedTime(start).TotalSeconds, new KeyValuePair<string, object?>("synced", isSynced));
        }

        if (_group.Enabled)
        {
            _group.Record(requests);
        }
    }

    public void Written(long bytes, string path)
    {
        if (_written.Enabled)
        {
            _written.Add(bytes, new KeyValuePair<string, object?>("path", path));
        }
    }

    public void Read(long bytes)
    {
        if (_read.Enabled)
        {
            _read.Add(bytes);
        }
    }

    public void Count(string kind)
    {
        if (_events.Enabled)
        {
            _events.Add(1, new KeyValuePair<string, object?>("kind", kind));
        }
    }

    public void Dispose() => _meter.Dispose();
}
