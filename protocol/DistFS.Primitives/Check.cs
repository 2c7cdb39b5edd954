using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace DistFS.Primitives;

/// <summary>
/// Assertions that stay on in production. A violated invariant means that the state in memory can no longer be
/// trusted, so the process stops before it can acknowledge, persist or send anything derived from it.
/// </summary>
/// <remarks>Errors that a peer, a user or a disk can cause are never checked with this class.</remarks>
public static class Check
{
    private static volatile bool _throws;

    /// <summary>
    /// Makes a violated check throw <see cref="CheckFailedException"/> instead of stopping the process, so that the
    /// simulator and tests can observe a planted bug. Never called by the product; cannot be undone.
    /// </summary>
    public static void ThrowInsteadOfFailFast() => _throws = true;

    /// <summary>Stops the process unless <paramref name="condition"/> holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void That(
        [DoesNotReturnIf(false)] bool condition,
        [CallerArgumentExpression(nameof(condition))] string? expression = null,
        [CallerFilePath] string? file = null,
        [CallerLineNumber] int line = 0)
    {
        if (!condition)
        {
            Fail(expression ?? "condition", file, line);
        }
    }

    /// <summary>Stops the process: this point can be reached only by a defect.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Fail(string message, [CallerFilePath] string? file = null, [CallerLineNumber] int line = 0)
    {
        var text = $"invariant violated: {message} ({Path.GetFileName(file)}:{line})";
        if (!_throws)
        {
            Environment.FailFast(text);
        }

        throw new CheckFailedException(text);
    }
}

/// <summary>A violated invariant, in a process that asked for <see cref="Check.ThrowInsteadOfFailFast"/>.</summary>
public sealed class CheckFailedException(string message) : Exception(message);
