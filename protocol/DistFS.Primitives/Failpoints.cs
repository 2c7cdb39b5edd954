using System.Diagnostics;
using System.Globalization;

namespace DistFS.Primitives;

/// <summary>
/// Named places in the shells where a test lets a process die, hang or fail:
/// <c>DISTFS_FAILPOINTS="raft.before-disk=crash@3; raft.after-apply=hang"</c>. An action is <c>crash</c> (as by kill
/// -9), <c>hang</c> (the thread stops for good) or
/// <c>error</c> (a <see cref="FailpointException"/>), at the n-th passage, by default the first.
/// </summary>
/// <remarks>The calls are compiled into test builds only; see docs/design/driver.md for the names.</remarks>
public static class Failpoints
{
    /// <summary>The environment variable that is read at the first passage.</summary>
    public const string Variable = "DISTFS_FAILPOINTS";

    private static volatile Dictionary<string, Point>? _points;

    private enum Action
    {
        Crash,
        Hang,
        Error,
    }

    /// <summary>Passes a place. Not compiled into product builds.</summary>
    /// <exception cref="FailpointException">The place was told to fail.</exception>
    [Conditional("TEETH")]
    public static void Pass(string name)
    {
        var points = _points ?? Configure(Environment.GetEnvironmentVariable(Variable));
        if (points.Count > 0 && points.TryGetValue(name, out var point) && point.IsDue())
        {
            point.Act(name);
        }
    }

    /// <summary>Replaces what the environment says, for tests inside one process.</summary>
    /// <exception cref="FormatException">The text cannot be read: a test must not silently inject nothing.</exception>
    public static void Set(string? text) => Configure(text);

    private static Dictionary<string, Point> Configure(string? text)
    {
        var points = new Dictionary<string, Point>(StringComparer.Ordinal);
        foreach (var part in (text ?? "").Split(
            ';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = part.Split('=');
            var action = equals[^1].Split('@');
            var passage = 1;
            if (equals.Length != 2 || action.Length > 2
                || !Enum.TryParse<Action>(action[0], ignoreCase: true, out var what)
                || (action.Length == 2
                    && !int.TryParse(action[1], NumberStyles.None, CultureInfo.InvariantCulture, out passage)))
            {
                throw new FormatException($"{Variable}: '{part}' is not name=crash|hang|error, or with @n.");
            }

            points[equals[0]] = new Point(what, passage);
        }

        return _points = points;
    }

    private sealed class Point(Action action, int passage)
    {
        private int _passed;

        public bool IsDue() => Interlocked.Increment(ref _passed) == passage;

        public void Act(string name)
        {
            switch (action)
            {
                case Action.Crash:
                    using (var self = Process.GetCurrentProcess())
                    {
                        self.Kill();
                    }

                    Thread.Sleep(Timeout.Infinite);
                    break;
                case Action.Hang:
                    Thread.Sleep(Timeout.Infinite);
                    break;
                default:
                    throw new FailpointException(name);
            }
        }
    }
}

/// <summary>A failpoint was told to fail.</summary>
public sealed class FailpointException(string name) : Exception($"failpoint {name}");
