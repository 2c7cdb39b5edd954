using System.Diagnostics;
using System.Diagnostics.Metrics;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <summary>Metrics of one member on the meter "DistFS.Raft". Nothing is measured while nobody listens.</summary>
internal sealed class RaftMetrics : IDisposable
{
    private static readonly string[] Lanes = ["core", "disk", "apply", "piece"];

    private readonly Meter _meter;
    private readonly Histogram<double> _commit;
    private readonly Histogram<double> _persist;
    private readonly Histogram<int> _entries;
    private readonly Counter<long> _events;

    public RaftMetrics(MemberId self, Func<string, int> queueLength, Func<long> appliedLag)
    {
        _meter = new Meter("DistFS.Raft", null, [new KeyValuePair<string, object?>("member", self.ToString())]);
        _commit = _meter.CreateHistogram<double>(
            "distfs.raft.commit.duration", "s", "From a proposal's arrival until it was applied.");
        _persist = _meter.CreateHistogram<double>(
            "distfs.raft.persist.duration", "s", "Writing and syncing one group of values.");
        _entries = _meter.CreateHistogram<int>("distfs.raft.persist.entries", "{entry}", "Entries of one group.");
        _events = _meter.CreateCounter<long>("distfs.raft.events", "{event}", "Elections and what else happened.");
        _meter.CreateObservableGauge("distfs.raft.apply.lag", appliedLag, "{entry}", "Committed and not yet applied.");
        _meter.CreateObservableGauge(
            "distfs.raft.queue.length",
            () => Lanes.Select(lane => new Measurement<int>(
                queueLength(lane), new KeyValuePair<string, object?>("lane", lane))),
            "{item}",
            "What waits for a lane.");
    }

    public void Committed(long startedAt)
    {
        if (_commit.Enabled && startedAt != 0)
        {
            _commit.Record(Stopwatch.GetElapsedTime(startedAt).TotalSeconds);
        }
    }

    public void Persisted(long start, List<RaftReady> batch)
    {
        if (_persist.Enabled)
        {
            _persist.Record(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        if (_entries.Enabled)
        {
            var entries = 0;
            foreach (var ready in batch)
            {
                entries += ready.Append.Count;
            }

            _entries.Record(entries);
        }
    }

    public void Count(RaftEventKind kind)
    {
        if (_events.Enabled)
        {
            _events.Add(1, new KeyValuePair<string, object?>("kind", kind.ToString()));
        }
    }

    public void Dispose() => _meter.Dispose();
}
