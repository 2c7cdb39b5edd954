using System.Globalization;
using System.Text;

namespace DistFS.Simulation;

/// <summary>
/// A running hash over everything that happens (two runs of one seed must agree in it), and the last lines in words,
/// for whoever looks for the cause of a failure.
/// </summary>
public sealed class Trace(EventQueue queue)
{
    /// <summary>Lines that are kept.</summary>
    public const int LinesMax = 600;

    private readonly Queue<string> _lines = new();

    /// <summary>64-bit FNV-1a over words.</summary>
    public ulong Hash { get; private set; } = 14695981039346656037;

    /// <summary>Where lines go as they come, beside the tail that is kept; for a person who debugs.</summary>
    public Action<string>? Listener { get; set; }

    /// <summary>Whether somebody watches every message and every operation of a disk.</summary>
    public bool IsDetailed => Listener != null;

    /// <summary>The last lines, oldest first.</summary>
    public IReadOnlyCollection<string> Tail => _lines;

    /// <summary>Something happened.</summary>
    public void Add(ulong kind, ulong payload)
    {
        Mix(kind);
        Mix((ulong)queue.Now);
        Mix(payload);
    }

    /// <summary>Something happened that a reader wants to see.</summary>
    public void Line(string text)
    {
        Add(1, Text(text));
        var line = Stamp(text);
        _lines.Enqueue(line);
        Listener?.Invoke(line);
        if (_lines.Count > LinesMax)
        {
            _lines.Dequeue();
        }
    }

    /// <summary>A disk did something.</summary>
    public void Disk(string disk, char kind, string name, long argument, long offset)
    {
        Mix(kind);
        Mix(Text(name));
        Mix((ulong)argument);
        if (IsDetailed)
        {
            Detail($"{disk} disk {kind} {name} {offset}+{argument}");
        }
    }

    /// <summary>Something that only a person who watches wants to see.</summary>
    public void Detail(string text) => Listener?.Invoke(Stamp(text));

    /// <summary>A hash of text that is the same in every process.</summary>
    public static ulong Text(string text)
    {
        var hash = 14695981039346656037UL;
        foreach (var c in text)
        {
            hash = (hash ^ c) * 1099511628211;
        }

        return hash;
    }

    /// <summary>The lines as one text.</summary>
    public string TailText(int lines)
    {
        var text = new StringBuilder();
        foreach (var line in _lines.Skip(Math.Max(0, _lines.Count - lines)))
        {
            text.AppendLine(line);
        }

        return text.ToString();
    }

    private string Stamp(string text) =>
        string.Create(CultureInfo.InvariantCulture, $"{queue.Now / 1_000_000.0,11:F6} {text}");

    private void Mix(ulong word) => Hash = ((Hash ^ word) * 1099511628211) ^ (Hash >> 29);
}
