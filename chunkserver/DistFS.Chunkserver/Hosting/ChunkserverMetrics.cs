using System.Diagnostics.Metrics;
using DistFS.Chunkserver.Cluster;
using DistFS.Chunkserver.Copies;
using DistFS.Chunkserver.Data;
using DistFS.Chunkserver.Scrubbing;
using DistFS.Chunkserver.Stores;

namespace DistFS.Chunkserver.Hosting;

/// <summary>What one chunk server has, beside what its data path counts; looked at when somebody asks.</summary>
internal sealed class ChunkserverMetrics : IDisposable
{
    private readonly Meter _meter = new(DataMetrics.MeterName);

    public ChunkserverMetrics(
        Serving serving, StoreSet stores, ClusterAgent agent, CopyRunner copies, ScrubRunner scrub, ServerUse use)
    {
        _meter.CreateObservableGauge(
            "distfs.chunkserver.serving", () => serving.IsServing ? 1 : 0, null, "1 while it may serve.");
        _meter.CreateObservableGauge(
            "distfs.chunkserver.stores", () => stores.Stores.Count, "{store}", "Stores that have not failed.");
        _meter.CreateObservableGauge(
            "distfs.chunkserver.capacity", () => use.Now.Capacity, "By", "What it may have.");
        _meter.CreateObservableGauge("distfs.chunkserver.used", () => use.Now.Used, "By", "What it has.");
        _meter.CreateObservableGauge(
            "distfs.chunkserver.losses", () => agent.LossCount, "{copy}", "Lost copies that nothing is ordered about.");
        _meter.CreateObservableGauge(
            "distfs.chunkserver.copies.running", () => copies.Running, "{copy}", "Copies that have not ended.");
        _meter.CreateObservableCounter(
            "distfs.chunkserver.copies.lost", () => stores.LostCopies, "{copy}", "Copies that were found to be lost.");
        _meter.CreateObservableCounter(
            "distfs.chunkserver.scrubbed", () => scrub.Bytes, "By", "Stored bytes that were looked at.");
    }

    public void Dispose() => _meter.Dispose();
}
