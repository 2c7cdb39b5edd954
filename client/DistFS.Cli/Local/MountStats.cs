using System.Globalization;
using DistFS.Cli.Health;
using DistFS.Cli.Output;
using DistFS.Primitives;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace DistFS.Cli.Local;

/// <summary>
/// <c>dfs mount --stats</c>: what a mount was asked and how fast it answered; on a terminal again each second, with
/// rates.
/// </summary>
internal sealed class MountStats(VerbContext context, string mountPoint, IReadOnlyList<string> folders)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Shows it.</summary>
    /// <exception cref="DistFsException">Nothing is mounted there, or its process does not answer.</exception>
    public async Task<int> ShowAsync()
    {
        var first = await AskAsync().ConfigureAwait(false);
        if (context.Json)
        {
            context.WriteJson(first, MountReportJson.Default.MountReport);
        }
        else if (!context.Host.OutIsTerminal)
        {
            context.Out.Write(TextOf(first, null));
        }
        else
        {
            await context.Out.Live(TextOf(first, null)).StartAsync(live => FollowAsync(live, first))
                .ConfigureAwait(false);
        }

        return ExitCodes.Ok;
    }

    private async Task FollowAsync(LiveDisplayContext live, MountReport before)
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            while (await timer.WaitForNextTickAsync(context.Cancellation).ConfigureAwait(false))
            {
                var now = await AskAsync().ConfigureAwait(false);
                live.UpdateTarget(TextOf(now, before));
                live.Refresh();
                before = now;
            }
        }
        catch (OperationCanceledException) when (context.Cancellation.IsCancellationRequested)
        {
            // Watched for long enough: that is no failure.
        }
    }

    private async Task<MountReport> AskAsync() => MountReport.Of(
        await MountSocket.AskAsync(mountPoint, folders, context.Cancellation).ConfigureAwait(false));

    private static Rows TextOf(MountReport now, MountReport? before)
    {
        // Another process may serve it since.
        var seconds = before?.Pid == now.Pid ? now.UptimeSeconds - before.UptimeSeconds : now.UptimeSeconds;
        var table = Consoles.NumberTable(
            "OPERATION", "COUNT", "PER SECOND", "HERE", "FAILED", "BYTES/S", "MEAN", "MEDIAN", "99 %");
        foreach (var one in now.Operations)
        {
            var was = before?.Pid == now.Pid ? before.Operations.FirstOrDefault(other => other.Name == one.Name) : null;
            var count = one.Count - (was?.Count ?? 0);
            var bytes = one.Bytes - (was?.Bytes ?? 0);
            table.AddRow(
                one.Name,
                $"{one.Count}",
                (count / seconds).ToString("0.#", CultureInfo.InvariantCulture),
                $"{(one.Count - one.Deferred) * 100 / Math.Max(1, one.Count)} %",
                $"{one.Failed}",
                one.Bytes == 0 ? "" : $"{new ByteSize((long)(bytes / seconds))}",
                Time(one.TotalUs / Math.Max(1, one.Count)),
                Time(one.MedianUs),
                Time(one.Percentile99Us));
        }

        List<IRenderable> rows =
        [
            new Text(
                $"{now.MountPoint}: process {now.Pid}, for "
                    + $"{Duration.ForPeople(TimeSpan.FromSeconds(Math.Ceiling(now.UptimeSeconds)))}, "
                    + $"durability {now.Durability}"
                    + (now.Heard ? "" : "; the metaservers are not heard: nothing is answered from what is cached")),
            new Text(
                $"{now.Nodes} inodes known, {now.ActiveFiles} files open, "
                    + $"{new ByteSize((long)now.CachedBytes)} of content kept; to be sent: "
                    + $"{now.UnsentChanges} changes, {new ByteSize((long)now.UnsentBytes)}"),
            Text.Empty,
            table,
        ];
        if (now.Failures.Length > 0)
        {
            rows.Add(Text.Empty);
            rows.Add(new Text($"{now.Failures.Length} sorts of failures: 'dfs why {now.MountPoint}'"));
        }

        return new Rows(rows);
    }

    private static string Time(ulong microseconds) => microseconds switch
    {
        < 1_000 => $"{microseconds} us",
        < 1_000_000 => $"{(microseconds / 1e3).ToString("0.0", CultureInfo.InvariantCulture)} ms",
        _ => $"{(microseconds / 1e6).ToString("0.0", CultureInfo.InvariantCulture)} s",
    };
}
