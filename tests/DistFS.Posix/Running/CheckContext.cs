using System.Runtime.CompilerServices;

namespace DistFS.Posix.Running;

/// <summary>
/// What a check works with: a fresh directory (and the same through the second mount), descriptors that are closed
/// after
/// it, and the assertions. A failed assertion is kept and the check goes on; <see cref="Ok"/> ends it, since what
/// follows
/// builds on it.
/// </summary>
public sealed partial class CheckContext
{
    private readonly List<string> _failures = [];
    private readonly List<int> _fds = [];
    private readonly List<IDisposable> _disposables = [];
    private int _assertions;

    public CheckContext(string directory, string? secondDirectory, SuiteOptions options)
    {
        Dir = directory;
        SecondDir = secondDirectory;
        Options = options;
    }

    /// <summary>The check's own directory: empty, mode 0755.</summary>
    public string Dir { get; }

    /// <summary>The same directory through the second mount.</summary>
    public string? SecondDir { get; }

    public SuiteOptions Options { get; }

    public int Assertions => _assertions;

    public IReadOnlyList<string> Failures
    {
        get
        {
            lock (_failures)
            {
                return [.. _failures];
            }
        }
    }

    /// <summary>The path of a name in the check's directory.</summary>
    public string At(string name) => $"{Dir}/{name}";

    /// <summary>The path of a name through the second mount, or through the first when there is none.</summary>
    public string Second(string name) => $"{SecondDir ?? Dir}/{name}";

    /// <summary>The call must succeed; otherwise the check ends here.</summary>
    /// <returns>Its value.</returns>
    public long Ok(
        Outcome outcome,
        [CallerArgumentExpression(nameof(outcome))] string call = "",
        [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        Interlocked.Increment(ref _assertions);
        return outcome.IsOk
            ? outcome.Value
            : throw new CheckFailedException($"{call}: expected success, came {outcome}{Place(file, line)}");
    }

    /// <summary>The call must fail with this error.</summary>
    public void Fails(
        Errno expected,
        Outcome outcome,
        string? with = null,
        [CallerArgumentExpression(nameof(outcome))] string call = "",
        [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0) =>
        Judge(outcome.Error == expected, () => $"{call}{With(with)}: expected {expected}, came {outcome}", file, line);

    /// <summary>The call must fail with one of these errors: where POSIX leaves the choice.</summary>
    public void FailsWithOneOf(
        Errno[] expected,
        Outcome outcome,
        string? with = null,
        [CallerArgumentExpression(nameof(outcome))] string call = "",
        [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0) =>
        Judge(
            expected.Contains(outcome.Error),
            () => $"{call}{With(with)}: expected {string.Join(" or ", expected)}, came {outcome}", file, line);

    /// <summary>The call must end so: OK or an error; for tables.</summary>
    public void Ends(
        Errno expected,
        Outcome outcome,
        string? with = null,
        [CallerArgumentExpression(nameof(outcome))] string call = "",
        [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0) =>
        Judge(outcome.Error == expected, () => $"{call}{With(with)}: expected {expected}, came {outcome}", file, line);

    public void Equal<T>(
        T expected,
        T actual,
        string? with = null,
        [CallerArgumentExpression(nameof(actual))] string call = "",
        [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0) => Judge(
            EqualityComparer<T>.Default.Equals(expected, actual),
            () => $"{call}{With(with)}: expected {Show(expected)}, came {Show(actual)}", file, line);

    public void True(
        bool condition,
        string? with = null,
        [CallerArgumentExpression(nameof(condition))] string call = "",
        [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0) =>
        Judge(condition, () => $"{call}{With(with)}: expected true, came false", file, line);

    /// <summary>The bytes must be equal; says where the first difference is.</summary>
    public void Same(
        ReadOnlySpan<byte> expected,
        ReadOnlySpan<byte> actual,
        string? with = null,
        [CallerArgumentExpression(nameof(actual))] string call = "",
        [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        var same = expected.SequenceEqual(actual);
        var (at, lengths) = (expected.CommonPrefixLength(actual), $"{expected.Length} and {actual.Length} bytes");
        Judge(same, () => $"{call}{With(with)}: first difference at byte {at} of {lengths}", file, line);
    }

    /// <summary>Ends the check as one that could not be run here.</summary>
    public static void NotRun(string reason) => throw new CheckNotRunException(reason);

    /// <summary>A call that a file system may lack: the check is not run when it says so.</summary>
    public long Optional(
        Outcome outcome,
        [CallerArgumentExpression(nameof(outcome))] string call = "",
        [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        if (outcome.Error is EOPNOTSUPP or ENOSYS)
        {
            NotRun($"{call}: {outcome.Error}");
        }

        return Ok(outcome, call, file, line);
    }

    /// <summary>Closes and ends what the check left open.</summary>
    internal void CleanUp()
    {
        foreach (var disposable in _disposables)
        {
            disposable.Dispose();
        }

        foreach (var fd in _fds)
        {
            Sys.Close(fd);
        }

        _fds.Clear();
        _disposables.Clear();
        CloseBelow(Dir);
        if (SecondDir is not null)
        {
            CloseBelow(SecondDir);
        }
    }

    /// <summary>
    /// Closes what is open below a directory: what should have been refused was opened, and would keep a mount busy.
    /// </summary>
    private static void CloseBelow(string directory)
    {
        var listing = Sys.Open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
        var entries = new List<DirectoryEntry>();
        while (listing.IsOk && GetDEnts(listing.Fd, entries).Value > 0)
        {
        }

        Sys.Close(listing.Fd);
        foreach (var entry in entries)
        {
            if (int.TryParse(entry.Name, out var fd)
                && ReadLink($"/proc/self/fd/{fd}")?.StartsWith(directory, StringComparison.Ordinal) == true)
            {
                Sys.Close(fd);
            }
        }
    }

    internal void Fail(string message)
    {
        lock (_failures)
        {
            _failures.Add(message);
        }
    }

    private void Judge(bool holds, Func<string> message, string file, int line)
    {
        Interlocked.Increment(ref _assertions);
        if (!holds)
        {
            Fail(message() + Place(file, line));
        }
    }

    private static string With(string? with) => with is null ? "" : $" [{with}]";

    private static string Place(string file, int line) => $" ({System.IO.Path.GetFileName(file)}:{line})";

    private static string Show<T>(T value) => value switch
    {
        null => "nothing",
        string { Length: > 120 } text => $"\"{text[..120]}...\" of {text.Length} bytes",
        string text => $"\"{text}\"",
        IEnumerable<string> names => $"[{string.Join(", ", names.Take(50))}]",
        _ => value.ToString() ?? "",
    };
}
