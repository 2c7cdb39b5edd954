namespace DistFS.Mount;

/// <summary>
/// Tells a log that may not be writable (a full disk, a closed terminal): who tells is never stopped by that. What
/// could not be told is counted, and the count is told with the next line that can be.
/// </summary>
/// <param name="write">Writes a line; may throw. Null: nobody is told.</param>
public sealed class MountLog(Action<string>? write)
{
    private long _untold;

    /// <summary>Lines that could not be told, and nobody was told of.</summary>
    public long Untold => Interlocked.Read(ref _untold);

    /// <summary>Tells a line. Any thread; never throws.</summary>
    public void Tell(string text)
    {
        if (write == null)
        {
            return;
        }

        var untold = Interlocked.Exchange(ref _untold, 0);
        try
        {
            write(untold == 0 ? text : $"{text} ({untold} lines before could not be written)");
        }
        catch (Exception)
        {
            // Whatever it was: the loops that tell carry what programs wrote, and there is nobody else to be told.
            Interlocked.Add(ref _untold, untold + 1);
        }
    }
}
