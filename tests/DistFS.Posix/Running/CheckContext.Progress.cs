using System.Diagnostics;

namespace DistFS.Posix.Running;

/// <summary>Signs of life: a check that gives none for the deadline counts as hung.</summary>
public sealed partial class CheckContext
{
    private long _progress = Stopwatch.GetTimestamp();
    private string _lastStep = "its start";

    internal TimeSpan SinceProgress => Stopwatch.GetElapsedTime(Volatile.Read(ref _progress));

    internal string LastStep => Volatile.Read(ref _lastStep);

    /// <summary>Says that the check goes on, and with what; long checks say it in their loops.</summary>
    public void Progress(string step)
    {
        Volatile.Write(ref _lastStep, step);
        Volatile.Write(ref _progress, Stopwatch.GetTimestamp());
    }

    /// <summary>
    /// Runs the work on a thread of its own; the task ends with it. For calls that may block: the check goes on and
    /// looks when they came back.
    /// </summary>
    public static Task<T> Start<T>(Func<T> work) => Task.Factory.StartNew(
        work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>The task must end within the time; otherwise the check ends here.</summary>
    public T Await<T>(Task<T> task, string what, int seconds = 10)
    {
        if (!task.Wait(TimeSpan.FromSeconds(seconds)))
        {
            throw new CheckFailedException($"{what}: did not end within {seconds} s");
        }

        Interlocked.Increment(ref _assertions);
        return task.GetAwaiter().GetResult();
    }

    /// <summary>
    /// The task must still be blocked after the time: what it waits for has not happened. A wait of this kind cannot
    /// be awaited; it can only miss a fault, never find one that is not there.
    /// </summary>
    public void StillBlocked(Task task, string what)
    {
        Interlocked.Increment(ref _assertions);
        if (task.Wait(TimeSpan.FromMilliseconds(200)))
        {
            Fail($"{what}: came back, expected it to block");
        }
    }
}
