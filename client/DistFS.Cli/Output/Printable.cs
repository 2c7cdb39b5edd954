namespace DistFS.Cli.Output;

/// <summary>Names as they may stand on a terminal: what others named must not move its cursor.</summary>
internal static class Printable
{
    /// <summary>With a question mark for each control character, as ls(1) does.</summary>
    public static string Of(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Any(char.IsControl)
            ? string.Create(name.Length, name, static (text, name) =>
            {
                for (var i = 0; i < text.Length; i++)
                {
                    text[i] = char.IsControl(name[i]) ? '?' : name[i];
                }
            })
            : name;
    }
}
