using System.Buffers;
using System.Diagnostics;
using DistFS.Blocks;
using DistFS.Primitives;

namespace DistFS.Client.Chunks;

/// <content>
/// A read that takes longer than nearly all others asks a second server too: whoever answers first is heard, the other
/// is given up.
/// </content>
public sealed partial class ChunkReader
{
    private ChunkServerAddress ServerAt(ChunkTarget target, int start, int n) =>
        _options.Choice?.At(target, start, n) ?? target.Servers[(start + n) % target.Servers.Count];

    private ValueTask ReadAsync(
        ChunkTarget target,
        ChunkServerAddress server,
        ChunkServerAddress? second,
        uint offset,
        Memory<byte> destination,
        CancellationToken cancellation) => _options.Choice != null && second != null
        ? ReadHedgedAsync(target, server, second, offset, destination, cancellation)
        : ReadAsync(target, server, offset, destination, isTail: server == target.Tail, cancellation);

    /// <summary>As a read of one server; nothing writes to the destination any more when it ends.</summary>
    /// <exception cref="DistFsException">Of the first server, if neither could be read.</exception>
    private async ValueTask ReadHedgedAsync(
        ChunkTarget target,
        ChunkServerAddress server,
        ChunkServerAddress other,
        uint offset,
        Memory<byte> destination,
        CancellationToken cancellation)
    {
        var choice = _options.Choice!;
        var blocks = destination.Length <= RangeMax ? 0
            : (uint)ChunkLayout.BlocksOf(offset + (uint)destination.Length) - ChunkLayout.BlockOf(offset).Value;
        var delay = choice.Begin(blocks);
        var began = Stopwatch.GetTimestamp();
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var first = ReadAsync(target, server, offset, destination, server == target.Tail, giveUp.Token).AsTask();
        if (!first.IsCompleted)
        {
            using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var late = Task.Delay(delay, _options.Scheduler.Clock, timer.Token);
            if (await Task.WhenAny(first, late).ConfigureAwait(false) == late
                && !cancellation.IsCancellationRequested && choice.TryHedge())
            {
                await RaceAsync(target, server, other, offset, destination, first, giveUp).ConfigureAwait(false);
                return;
            }

            await timer.CancelAsync().ConfigureAwait(false);
        }

        await first.ConfigureAwait(false);
        choice.Note(blocks, Stopwatch.GetElapsedTime(began));
    }

    private async Task RaceAsync(
        ChunkTarget target,
        ChunkServerAddress server,
        ChunkServerAddress other,
        uint offset,
        Memory<byte> destination,
        Task first,
        CancellationTokenSource giveUp)
    {
        // Of its own: both may come, or one be wrong.
        var buffer = ArrayPool<byte>.Shared.Rent(destination.Length);
        var giveUpSecond = CancellationTokenSource.CreateLinkedTokenSource(giveUp.Token);
        var second = ReadAsync(
            target, other, offset, buffer.AsMemory(0, destination.Length), other == target.Tail, giveUpSecond.Token)
            .AsTask();
        try
        {
            await Task.WhenAny(first, second).ConfigureAwait(false);
            if (!second.IsCompletedSuccessfully)
            {
                // It is there, or it failed, or the second did: what it says counts then.
                await first.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (first.IsFaulted && !IsOver(first))
            {
                await second.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            if (first.IsCompletedSuccessfully || !second.IsCompletedSuccessfully)
            {
                await first.ConfigureAwait(false);
                return;
            }

            _options.Choice!.Lost(server.Id);
            await giveUp.CancelAsync().ConfigureAwait(false);

            // Until then it may write to the destination: if its bytes were coming, until more come, or its connection
            // ends.
            await first.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            buffer.AsSpan(0, destination.Length).CopyTo(destination.Span);
        }
        finally
        {
            _ = PutAwayAsync(second, giveUpSecond, buffer);
        }
    }

    /// <summary>Nobody waits for what was not needed.</summary>
    private static async Task PutAwayAsync(Task second, CancellationTokenSource giveUp, byte[] buffer)
    {
        await giveUp.CancelAsync().ConfigureAwait(false);
        await second.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        giveUp.Dispose();
        ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>The version is over, or the tail is to be asked: no other server knows better.</summary>
    private static bool IsOver(Task first) => first.Exception?.InnerException is DistFsException e
        && (e.Code == ErrorCatalog.ChunkVersionStale || e.Code == ErrorCatalog.ChunkDirty);
}
