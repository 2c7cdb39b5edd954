using System.Globalization;

namespace DistFS.Simulation;

/// <summary>Seeds that once failed, replayed for ever: the embedded file regressions.txt.</summary>
public static class Regressions
{
    /// <summary>All of them, in the order of the file.</summary>
    public static IReadOnlyList<(ulong Seed, SimulationSize Size, SimulationMachine Machine)> Load()
    {
        using var stream = typeof(Regressions).Assembly.GetManifestResourceStream("regressions.txt")!;
        using var reader = new StreamReader(stream);
        return Parse(reader.ReadToEnd());
    }

    /// <summary>Reads lines of "seed [light|full] [registers|metadata|chunks]"; what follows # is for people.</summary>
    /// <exception cref="FormatException">A line is something else.</exception>
    public static IReadOnlyList<(ulong Seed, SimulationSize Size, SimulationMachine Machine)> Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var found = new List<(ulong, SimulationSize, SimulationMachine)>();
        foreach (var line in text.Split('\n'))
        {
            var words = line.Split('#')[0].Split(' ',
                StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (words.Length == 0)
            {
                continue;
            }

            var size = words.Length == 1
                ? SimulationSize.Light : Enum.Parse<SimulationSize>(words[1], ignoreCase: true);
            var machine = words.Length < 3
                ? SimulationMachine.Registers : Enum.Parse<SimulationMachine>(words[2], ignoreCase: true);
            found.Add((ulong.Parse(words[0], CultureInfo.InvariantCulture), size, machine));
        }

        return found;
    }
}
