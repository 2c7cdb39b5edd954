using System.Diagnostics.Metrics;

namespace DistFS.Chunkserver.Data;

/// <summary>What the data path counts.</summary>
internal sealed class DataMetrics : IDisposable
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "DistFS.Chunkserver";

    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _writtenBytes;
    private readonly Counter<long> _readBytes;
    private readonly Counter<long> _atHand;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _broken;
    private readonly Counter<long> _damaged;
    private readonly Counter<long> _settled;

    public DataMetrics(OpenChunks open)
    {
        _writtenBytes = _meter.CreateCounter<long>("distfs.chunkserver.written", "By", "Stored bytes of writes.");
        _readBytes = _meter.CreateCounter<long>("distfs.chunkserver.read", "By", "Stored bytes that were read.");
        _atHand = _meter.CreateCounter<long>(
            "distfs.chunkserver.reads.at_hand", "{read}", "Small reads that were answered from memory.");
        _refused = _meter.CreateCounter<long>(
            "distfs.chunkserver.writes.refused", "{write}", "Writes that were refused before anything was stored.");
        _broken = _meter.CreateCounter<long>(
            "distfs.chunkserver.chains.broken", "{write}", "Writes that got no further, here or behind.");
        _damaged = _meter.CreateCounter<long>(
            "distfs.chunkserver.blocks.damaged", "{block}", "Blocks with a wrong checksum, received or read.");
        _settled = _meter.CreateCounter<long>(
            "distfs.chunkserver.blocks.settled", "{block}", "Blocks made equal to the tail's in a new version.");
        _meter.CreateObservableGauge(
            "distfs.chunkserver.chunks.open", () => open.Count, "{chunk}", "Chunks in a version of this run.");
    }

    public void Written(int bytes) => _writtenBytes.Add(bytes);

    public void Read(int bytes) => _readBytes.Add(bytes);

    public void ReadAtHand(int bytes)
    {
        _readBytes.Add(bytes);
        _atHand.Add(1);
    }

    public void WriteRefused() => _refused.Add(1);

    public void Broken() => _broken.Add(1);

    public void Damaged() => _damaged.Add(1);

    public void Settled() => _settled.Add(1);

    public void Dispose() => _meter.Dispose();
}
