using System.Diagnostics;
using DistFS.Client;
using DistFS.Primitives;

namespace DistFS.TestCluster.Ledgers;

/// <summary>
/// Writers that go on until they are told to stop: each makes small files, and appends to a file that it keeps open and
/// flushes. What was answered goes to the ledger; how long nothing was answered, and what failed, is kept.
/// </summary>
public sealed class LedgerWriters : IAsyncDisposable
{
    private const int FlushedBytesMax = 300_000;

    private readonly DistFsClient _client;
    private readonly Ledger _ledger;
    private readonly string _under;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<string> _errors = [];
    private readonly Task _work;
    private long _answeredAt = Stopwatch.GetTimestamp();
    private long _longestGap;

    private LedgerWriters(DistFsClient client, Ledger ledger, int writers, ulong seed, string under)
    {
        (_client, _ledger, _under) = (client, ledger, under);
        _work = Task.WhenAll(Enumerable.Range(0, writers).Select(i =>
            Task.Run(() => WriteAsync(i, new Prng(seed + (ulong)i)))));
    }

    /// <summary>What ended in an error, so far.</summary>
    public IReadOnlyList<string> Errors
    {
        get
        {
            lock (_gate)
            {
                return [.. _errors];
            }
        }
    }

    /// <summary>The longest time in which nobody was answered, since this was asked for the last time.</summary>
    public TimeSpan TakeLongestGap()
    {
        lock (_gate)
        {
            var gap = Math.Max(_longestGap, Stopwatch.GetTimestamp() - _answeredAt);
            _longestGap = 0;
            return Stopwatch.GetElapsedTime(0, gap);
        }
    }

    /// <summary>Starts them, under a directory of their own each.</summary>
    public static async Task<LedgerWriters> StartAsync(
        DistFsClient client, Ledger ledger, int writers, ulong seed, string under = "")
    {
        ArgumentNullException.ThrowIfNull(client);
        for (var i = 0; i < writers; i++)
        {
            await client.CreateDirectoryAsync($"{under}/w{i}").ConfigureAwait(false);
        }

        return new LedgerWriters(client, ledger, writers, seed, under);
    }

    /// <summary>Waits until each has been answered so many times more.</summary>
    /// <exception cref="TimeoutException">That took too long.</exception>
    public async Task GoOnAsync(int answers, TimeSpan limit)
    {
        var end = _ledger.Count + answers;
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var start = Stopwatch.GetTimestamp(); _ledger.Count < end;)
        {
            if (Stopwatch.GetElapsedTime(start) > limit)
            {
                throw new TimeoutException(
                    $"{end - _ledger.Count} of {answers} answers are missing after {limit}. "
                    + string.Join("; ", Errors));
            }

            await timer.WaitForNextTickAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Lets them finish what they have begun.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _work.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task WriteAsync(int writer, Prng random)
    {
        DistFsFile? log = null;
        var (number, end) = (0, 0L);
        while (!_stop.IsCancellationRequested)
        {
            number++;
            try
            {
                var seed = random.NextUInt64();
                if (random.Chance(0.5))
                {
                    await WriteSmallAsync($"{_under}/w{writer}/f{number}", seed, random.NextInt32(20_000))
                        .ConfigureAwait(false);
                    continue;
                }

                if (log == null)
                {
                    end = 0;
                    log = await _client.CreateFileAsync($"{_under}/w{writer}/log{number}").ConfigureAwait(false);
                }

                var length = 1 + random.NextInt32(FlushedBytesMax);
                await log.WriteAsync(end, Ledger.Bytes(seed, length)).ConfigureAwait(false);
                await log.FlushAsync().ConfigureAwait(false);
                Answered(log.Path, end, seed, length);
                end += length;
            }
            catch (DistFsException e)
            {
                lock (_gate)
                {
                    _errors.Add($"{e.Code.Id} {e.Message}");
                }

                // Whether it is there nobody knows: what comes goes elsewhere.
                await AbandonAsync(log).ConfigureAwait(false);
                log = null;
            }
        }

        if (log != null)
        {
            await log.CloseAsync().ConfigureAwait(false);
        }
    }

    private async Task WriteSmallAsync(string path, ulong seed, int length)
    {
        var file = await _client.CreateFileAsync(path).ConfigureAwait(false);
        await file.WriteAsync(0, Ledger.Bytes(seed, length)).ConfigureAwait(false);
        await file.CloseAsync().ConfigureAwait(false);
        Answered(path, 0, seed, length);
    }

    private static async Task AbandonAsync(DistFsFile? file)
    {
        try
        {
            await (file?.AbandonAsync() ?? Task.CompletedTask).ConfigureAwait(false);
        }
        catch (DistFsException)
        {
            // Its session is over, most likely: then it is closed.
        }
    }

    private void Answered(string path, long offset, ulong seed, int length)
    {
        _ledger.Add(path, offset, seed, length);
        lock (_gate)
        {
            var now = Stopwatch.GetTimestamp();
            _longestGap = Math.Max(_longestGap, now - _answeredAt);
            _answeredAt = now;
        }
    }
}
