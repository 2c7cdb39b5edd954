using System.Diagnostics;

namespace DistFS.Posix.Running;

/// <summary>
/// Runs checks one after the other, each in a fresh directory, on a thread of its own and under a deadline.
/// </summary>
public sealed class Runner
{
    private readonly SuiteOptions _options;
    private readonly string _root;
    private readonly string? _secondRoot;

    /// <param name="options">Its directories are strings of bytes (<see cref="Sys"/>).</param>
    /// <exception cref="CheckFailedException">The directories cannot be used.</exception>
    public Runner(SuiteOptions options)
    {
        _options = options;
        var name = $"posix-{Environment.ProcessId}-{Stopwatch.GetTimestamp():x}";
        _root = $"{options.Directory}/{name}";
        Require(MkDir(_root, Octal(755)), $"mkdir {_root}");
        Require(ChMod(_root, Octal(755)), $"chmod {_root}");
        if (options.SecondDirectory is not null)
        {
            _secondRoot = $"{options.SecondDirectory}/{name}";
            SecondRoot = _secondRoot;
            var seen = TryStat(_secondRoot);
            if (!seen.IsOk)
            {
                Sys.RmDir(_root);
                throw new CheckFailedException(
                    $"{options.SecondDirectory} is not {options.Directory} through another mount: "
                    + $"what is made in the one is not in the other ({seen.Error}).");
            }
        }
    }

    /// <summary>Runs the checks; <paramref name="done"/> hears of each when it has ended.</summary>
    public Report Run(IReadOnlyList<CheckCase> checks, Action<CheckResult>? done = null)
    {
        var mask = UMask(0);
        try
        {
            var results = new List<CheckResult>();
            foreach (var check in checks)
            {
                results.Add(RunOne(check));
                done?.Invoke(results[^1]);
            }

            Tree.Remove(_root);
            var report = new Report(_options.Directory, _options.SecondDirectory, results);
            return _options.RequireAll ? report.RequiringAll() : report;
        }
        finally
        {
            UMask(mask);
        }
    }

    private CheckResult RunOne(CheckCase check)
    {
        var missing = Missing(check.Needs);
        if (missing is not null)
        {
            return new CheckResult(check.Area, check.Name, check.Source, 0, [], missing, 0);
        }

        var watch = Stopwatch.StartNew();
        var directory = $"{_root}/{check.FullName}";
        Require(MkDir(directory, Octal(755)), $"mkdir {directory}");
        var context = new CheckContext(
            directory, _secondRoot is null ? null : $"{_secondRoot}/{check.FullName}", _options);
        var notRun = RunWithDeadline(check, context);
        var left = Tree.Remove(directory);
        if (left is not null && context.Failures.Count == 0)
        {
            context.Fail($"cleaning up: {left}");
        }

        return new CheckResult(
            check.Area, check.Name, check.Source, context.Assertions, context.Failures,
            context.Failures.Count > 0 ? null : notRun, watch.Elapsed.TotalMilliseconds);
    }

    /// <returns>Why it was not run, or null.</returns>
    private string? RunWithDeadline(CheckCase check, CheckContext context)
    {
        string? notRun = null;
        using var ended = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            notRun = RunBody(check, context);
            ended.Set();
        })
        { IsBackground = true, Name = check.FullName };
        thread.Start();
        while (!ended.Wait(TimeSpan.FromMilliseconds(100)))
        {
            if (context.SinceProgress > _options.Deadline)
            {
                // The thread is left behind in its system call: nothing can end it. The run goes on without it.
                context.Fail($"hung: no progress for {_options.Deadline.TotalSeconds:F0} s after: {context.LastStep}");
                return null;
            }
        }

        context.CleanUp();
        return notRun;
    }

    private static string? RunBody(CheckCase check, CheckContext context)
    {
        try
        {
            check.Body(context);
            if (context.Assertions == 0)
            {
                context.Fail("asserts nothing");
            }
        }
        catch (CheckNotRunException e)
        {
            return e.Message;
        }
        catch (CheckFailedException e)
        {
            context.Fail(e.Message);
        }
        catch (Exception e)
        {
            context.Fail($"broke off: {e}");
        }

        return null;
    }

    private string? Missing(Needs needs)
    {
        var isRoot = GetEUid() == 0;
        if ((needs & (Needs.Root | Needs.OtherUsers)) != 0 && !isRoot)
        {
            return "not root";
        }

        if (needs.HasFlag(Needs.SecondMount) && _secondRoot is null)
        {
            return "no second directory";
        }

        return needs.HasFlag(Needs.OtherUsers) ? Unreachable() : null;
    }

    /// <summary>A mount or a parent that only its owner may enter would fail every check as another user.</summary>
    private string? Unreachable()
    {
        var outcome = default(Outcome);
        User.Alice.Run(() => outcome = TryStat(_root + "/."));
        return outcome.IsOk ? null : $"other users do not get into {_options.Directory} ({outcome.Error})";
    }

    private static void Require(Outcome outcome, string what)
    {
        if (!outcome.IsOk)
        {
            throw new CheckFailedException($"{what}: {outcome.Error}");
        }
    }
}
