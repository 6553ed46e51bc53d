"""Plain letters, as people sign them on paper or send them by post: and how they become petitions."""
