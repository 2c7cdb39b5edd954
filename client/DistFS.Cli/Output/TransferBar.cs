using System.Diagnostics;
using DistFS.Client.Transfers;
using DistFS.Primitives;
using Spectre.Console;

namespace DistFS.Cli.Output;

/// <summary>Progress of a transfer on stderr, with rate and time to go, where somebody looks at a terminal.</summary>
internal static class TransferBar
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    /// <summary>Does something, and shows how far it is meanwhile.</summary>
    public static async Task<T> ShowAsync<T>(VerbContext context, TransferProgress progress, Func<Task<T>> action)
    {
        if (context.Json || !context.Host.ErrorIsTerminal)
        {
            return await action().ConfigureAwait(false);
        }

        return await context.Error.Progress()
            .AutoClear(true)
            .Columns(
                new TaskDescriptionColumn(),
                new ProgressBarColumn(),
                new DownloadedColumn(),
                new TransferSpeedColumn(),
                new RemainingTimeColumn())
            .StartAsync(async shown =>
            {
                var task = shown.AddTask(Files(progress), maxValue: Math.Max(1, progress.BytesTotal));
                var doing = action();
                using var timer = new PeriodicTimer(Interval);
                while (await Task.WhenAny(doing, timer.WaitForNextTickAsync().AsTask()).ConfigureAwait(false) != doing)
                {
                    task.Description = Files(progress);
                    task.MaxValue = Math.Max(progress.BytesTotal, Math.Max(1, progress.Bytes));
                    task.Value = progress.Bytes;
                }

                return await doing.ConfigureAwait(false);
            }).ConfigureAwait(false);
    }

    private static string Files(TransferProgress progress) => $"{progress.Files} files";

    /// <summary>What was done, in one line.</summary>
    public static string Summary(TransferProgress progress, long began)
    {
        ArgumentNullException.ThrowIfNull(progress);
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var rate = new ByteSize((long)(progress.Bytes / Math.Max(seconds, 0.001)));
        var time = Duration.ForPeople(TimeSpan.FromSeconds(seconds));
        return $"{progress.Files} files, {new ByteSize(progress.Bytes)} in {time} ({rate}/s)";
    }
}
