using DistFS.Client;
using DistFS.Primitives;

namespace DistFS.TestCluster.Ledgers;

/// <summary>
/// What a cluster has promised to keep: bytes whose flush or close was answered, kept here, outside of it. Any thread.
/// </summary>
public sealed class Ledger
{
    private readonly Lock _gate = new();
    private readonly List<Record> _records = [];

    /// <summary>How many promises.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _records.Count;
            }
        }
    }

    /// <summary>The bytes that a seed stands for.</summary>
    public static byte[] Bytes(ulong seed, int length)
    {
        var bytes = new byte[length];
        new Prng(seed).Fill(bytes);
        return bytes;
    }

    /// <summary>A promise was made.</summary>
    public void Add(string path, long offset, ulong seed, int length)
    {
        lock (_gate)
        {
            _records.Add(new Record(path, offset, seed, length));
        }
    }

    /// <summary>Reads all that was promised, as a client that knows nothing of it.</summary>
    /// <returns>What is not kept; none is as it has to be.</returns>
    public async Task<IReadOnlyList<string>> CompareAsync(DistFsClient client)
    {
        ArgumentNullException.ThrowIfNull(client);
        List<Record> records;
        lock (_gate)
        {
            records = [.. _records];
        }

        var findings = new List<string>();
        foreach (var ofFile in records.GroupBy(static record => record.Path))
        {
            try
            {
                await using var file = await client.OpenReadAsync(ofFile.Key).ConfigureAwait(false);
                foreach (var record in ofFile)
                {
                    var bytes = new byte[record.Length];
                    var length = await ReadAsync(file, record.Offset, bytes).ConfigureAwait(false);
                    if (length != bytes.Length || !bytes.AsSpan().SequenceEqual(Bytes(record.Seed, bytes.Length)))
                    {
                        findings.Add($"{record}: {length} bytes are there, and not these");
                    }
                }
            }
            catch (DistFsException e)
            {
                findings.Add($"{ofFile.Key}: {e.Code.Id} {e.Message}");
            }
        }

        return findings;
    }

    private static async Task<int> ReadAsync(DistFsFile file, long offset, byte[] bytes)
    {
        var at = 0;
        while (at < bytes.Length)
        {
            var length = await file.ReadAsync(offset + at, bytes.AsMemory(at)).ConfigureAwait(false);
            if (length == 0)
            {
                break;
            }

            at += length;
        }

        return at;
    }

    private sealed record Record(string Path, long Offset, ulong Seed, int Length);
}
