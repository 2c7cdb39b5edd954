using System.Text;
using DistFS.Cli.Configuration;
using Spectre.Console;

namespace DistFS.Cli.Output;

/// <summary>Makes Spectre consoles over the writers of a run.</summary>
internal static class Consoles
{
    /// <summary>A console; without colours it writes plain text.</summary>
    public static IAnsiConsole Create(TextWriter writer, bool color, int width)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new WriterOutput(writer, width),
            Ansi = color ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = color ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
        });
        return console;
    }

    /// <summary>Whether to print colours.</summary>
    public static bool UsesColor(ColorMode mode, bool isTerminal, Func<string, string?> environment)
    {
        ArgumentNullException.ThrowIfNull(environment);
        return mode == ColorMode.Always || (mode == ColorMode.Auto && isTerminal && environment("TERM") != "dumb");
    }

    /// <summary>A table without lines: one row is one line, as grep and awk like it.</summary>
    public static Table PlainTable(params ReadOnlySpan<string> headers)
    {
        var table = new Table().Border(TableBorder.None);
        foreach (var header in headers)
        {
            table.AddColumn(new TableColumn(new Text(header, new Style(decoration: Decoration.Dim))).PadRight(2));
        }

        return table;
    }

    /// <summary>Like <see cref="PlainTable"/>, all columns but the first aligned to the right.</summary>
    public static Table NumberTable(params ReadOnlySpan<string> headers)
    {
        var table = PlainTable(headers);
        for (var i = 1; i < table.Columns.Count; i++)
        {
            table.Columns[i].RightAligned();
        }

        return table;
    }

    private sealed class WriterOutput(TextWriter writer, int width) : IAnsiConsoleOutput
    {
        public TextWriter Writer => writer;

        public bool IsTerminal => false;

        public int Width => width;

        public int Height => 24;

        public void SetEncoding(Encoding encoding)
        {
            // The writer's encoding is fixed: UTF-8.
        }
    }
}
