"""A site from the atlas: a page that answers, and one for each route, rule, family, model and release."""
